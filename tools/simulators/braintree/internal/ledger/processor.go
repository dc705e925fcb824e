package ledger

import "strconv"

var (
	approved    = Response{Code: "1000", Text: "Approved", Type: "approved"}
	processed   = Response{Code: "1002", Text: "Processed", Type: "approved"}
	unavailable = Response{Code: "3000", Text: "Processor Network Unavailable - Try Again", Type: "soft_declined", Additional: "3000 : Processor Network Unavailable - Try Again"}
)

// verdict is what happens to a sale that passed validation.
type verdict struct {
	status    Status
	response  Response
	rejection string
}

// testAmount maps the documented sandbox amounts, in any currency by their number of major units, to their verdict.
// Source: "Testing: transaction amounts" of the public documentation.
func testAmount(m Money, method Method) verdict {
	switch h := m.hundredths(); {
	case h >= 2000_00 && h <= 2999_99:
		return verdict{status: ProcessorDeclined, response: declined(int(h / 100))}
	case h >= 3000_00 && h <= 3000_99:
		return verdict{status: Failed, response: unavailable}
	case h == 5001_00:
		return verdict{status: GatewayRejected, rejection: "application_incomplete"}
	case h == 5001_01 && method.Type == PayPal:
		return verdict{status: ProcessorDeclined, response: declined(2038)}
	}
	return verdict{status: Authorized, response: approved}
}

// settlementOutcome is what the processor answers at settlement: cards always settle, PayPal has test amounts.
func settlementOutcome(t *Transaction, testAmounts bool) Step {
	if !testAmounts || t.Method.Type != PayPal || t.Kind != Sale {
		return StepSettle
	}
	switch h := t.Amount.hundredths(); {
	case h >= 4002_00 && h <= 4002_99 && t.Status != SettlementPending:
		return StepPend
	case h >= 4001_00 && h <= 4001_99, h >= 4003_00 && h <= 5000_99:
		return StepDecline
	}
	return StepSettle
}

func declined(code int) Response {
	text, hard := "Processor Declined", false
	if d, ok := declines[code]; ok {
		text, hard = d.text, d.hard
	}
	kind := "soft_declined"
	if hard {
		kind = "hard_declined"
	}
	number := strconv.Itoa(code)
	return Response{Code: number, Text: text, Type: kind, Additional: number + " : " + text}
}

type decline struct {
	text string
	hard bool
}

// declines are the authorisation responses that cards meet; every other number answers "Processor Declined".
// Source: "Processor responses: authorization" of the public documentation.
var declines = map[int]decline{
	2000: {"Do Not Honor", false},
	2001: {"Insufficient Funds", false},
	2002: {"Limit Exceeded", false},
	2003: {"Cardholder's Activity Limit Exceeded", false},
	2004: {"Expired Card", true},
	2005: {"Invalid Credit Card Number", true},
	2006: {"Invalid Expiration Date", true},
	2007: {"No Account", true},
	2008: {"Card Account Length Error", true},
	2009: {"No Such Issuer", true},
	2010: {"Card Issuer Declined CVV", true},
	2011: {"Voice Authorization Required", true},
	2012: {"Processor Declined - Possible Lost Card", true},
	2013: {"Processor Declined - Possible Stolen Card", true},
	2014: {"Processor Declined - Fraud Suspected", true},
	2015: {"Transaction Not Allowed", true},
	2016: {"Duplicate Transaction", false},
	2017: {"Cardholder Stopped Billing", true},
	2018: {"Cardholder Stopped All Billing", true},
	2019: {"Invalid Transaction", true},
	2020: {"Violation", true},
	2021: {"Security Violation", false},
	2022: {"Declined - Updated Cardholder Available", true},
	2023: {"Processor Does Not Support This Feature", true},
	2024: {"Card Type Not Enabled", true},
	2025: {"Set Up Error - Merchant", false},
	2026: {"Invalid Merchant ID", false},
	2027: {"Set Up Error - Amount", true},
	2028: {"Set Up Error - Hierarchy", true},
	2029: {"Set Up Error - Card", true},
	2030: {"Set Up Error - Terminal", false},
	2031: {"Encryption Error", true},
	2032: {"Surcharge Not Permitted", true},
	2033: {"Inconsistent Data", true},
	2034: {"No Action Taken", false},
	2036: {"Authorization could not be found", true},
	2037: {"Already Reversed", true},
	2038: {"Processor Declined", false},
	2039: {"Invalid Authorization Code", true},
	2040: {"Invalid Store", false},
	2041: {"Declined - Call For Approval", true},
	2042: {"Invalid Client ID", false},
	2043: {"Error - Do Not Retry, Call Issuer", true},
	2044: {"Declined - Call Issuer", false},
	2045: {"Invalid Merchant Number", true},
	2046: {"Declined", false},
	2047: {"Call Issuer. Pick Up Card", true},
	2048: {"Invalid Amount", false},
	2049: {"Invalid SKU Number", true},
	2050: {"Invalid Credit Plan", false},
	2051: {"Credit Card Number does not match method of payment", true},
	2053: {"Card reported as lost or stolen", true},
	2054: {"Reversal amount does not match authorization amount", true},
	2055: {"Invalid Transaction Division Number", true},
	2056: {"Transaction amount exceeds the transaction division limit", true},
	2057: {"Issuer or Cardholder has put a restriction on the card", false},
	2058: {"Merchant not Mastercard SecureCode enabled", true},
	2059: {"Address Verification Failed", true},
	2060: {"Address Verification and Card Security Code Failed", true},
	2061: {"Invalid Transaction Data", true},
	2062: {"Invalid Tax Amount", false},
	2064: {"Invalid Currency Code", true},
	2067: {"Authorization Expired", true},
	2099: {"Cardholder Authentication Required", false},
	2101: {"Additional authorization required", false},
	2102: {"Incorrect PIN", false},
	2103: {"PIN try exceeded", true},
	2104: {"Offline Issuer Declined", true},
	2106: {"Cannot Authorize at this time (Policy)", true},
	2107: {"Card Not Activated", true},
	2108: {"Closed Card", true},
}

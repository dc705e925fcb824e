package ledger

// The documented values of the sandbox that decide about the checks of address and security code.
// Source: "Testing: AVS and CVV/CID responses" of the public documentation.
var (
	avsOfPostal = map[string]string{"20000": "N", "20001": "U"}
	avsOfStreet = map[string]string{"200": "N", "201": "U"}
	avsErrors   = map[string]string{"30000": "E", "30001": "S"}
	cvvResponse = map[string]string{"200": "N", "201": "U", "301": "S", "": "I"}
)

// avsOf answers for a billing address: by its postal code and the number at the start of its street.
func avsOf(a *Address) AVS {
	if a == nil {
		a = &Address{}
	}
	if e := avsErrors[a.PostalCode]; e != "" {
		return AVS{Error: e}
	}
	number := 0
	for number < len(a.Street) && a.Street[number] >= '0' && a.Street[number] <= '9' {
		number++
	}
	return AVS{Postal: avsAnswer(a.PostalCode, avsOfPostal), Street: avsAnswer(a.Street[:number], avsOfStreet)}
}

func avsAnswer(given string, known map[string]string) string {
	if given == "" {
		return "I"
	}
	if answer, ok := known[given]; ok {
		return answer
	}
	return "M"
}

func cvvOf(given string) string {
	if answer, ok := cvvResponse[given]; ok {
		return answer
	}
	return "M"
}

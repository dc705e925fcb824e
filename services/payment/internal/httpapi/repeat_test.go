package httpapi

import (
	"testing"

	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Order asks for more: at the simulator the means of the first payment are charged once more, by a transaction of its own. Asked again it is the same one.
func TestMoreForAnOrder(t *testing.T) {
	t.Parallel()
	s, sim := atSimulator(t)
	order := newOrder()
	s.authorise(order, paymenttest.NonceValid, usd(1000))
	s.move(paymentapi.PathCapture, order, order+"-capture", nil)
	more := paymentapi.AuthoriseRequest{OperationID: order + "-more", PaymentID: order + "-1000001", OrderID: order, Attempt: paymentapi.FirstRepeat + 1, Amount: usd(300), Like: order + "-1"}
	var first, again paymentapi.Result
	s.order.Do("POST", paymentapi.PathAuthorise, more).Want(200).JSON(&first)
	s.order.Do("POST", paymentapi.PathAuthorise, more).Want(200).JSON(&again)
	if first.Outcome != paymentapi.Succeeded || first.TransactionID == "" || again != first {
		t.Fatalf("%+v, then %+v", first, again)
	}
	var captured paymentapi.Result
	s.order.Do("POST", paymentapi.PathCapture, paymentapi.MoneyRequest{OperationID: order + "-more-capture", PaymentID: more.PaymentID}).Want(200).JSON(&captured)
	books := sim.Books(t)
	if n := len(books); captured.Outcome != paymentapi.Succeeded || n != 2 || books[1].ID != first.TransactionID || books[1].Captured != 300 || books[1].OrderID != order+"-1" {
		t.Errorf("%+v, the gateway has %+v", captured, books)
	}
	var all paymentapi.Payments
	s.order.Do("GET", paymentapi.PathPayments+order, nil).Want(200).JSON(&all)
	if len(all.Items) != 2 || all.Items[0].Like != "" || all.Items[1].Like != order+"-1" || all.Items[1].Status != paymentapi.StatusCaptured {
		t.Errorf("%+v", all.Items)
	}
	more.OperationID, more.PaymentID, more.Attempt, more.Like = order+"-more-2", order+"-1000002", paymentapi.FirstRepeat+2, order+"-7"
	s.order.Do("POST", paymentapi.PathAuthorise, more).Want(200).JSON(&again)
	if again.Outcome != paymentapi.Declined || again.DeclineCode != paymentapi.DeclineNotRepeatable || again.Retryable {
		t.Errorf("like nobody: %+v", again)
	}
	more.Attempt, more.PaymentID = 2, order+"-2"
	s.order.Do("POST", paymentapi.PathAuthorise, more).Problem(422, "validation-failed")
}

"""The official Python SDK against the simulator, whose address is in SIMULATOR."""
import os
import unittest
import urllib.request
import json

import braintree
from braintree.environment import Environment

HOST, PORT = os.environ["SIMULATOR"].removeprefix("http://").split(":")
LOCAL = Environment("local", HOST, PORT, "http://auth", False, None, HOST, PORT)


def sim(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["SIMULATOR"] + path, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


class Simulator(unittest.TestCase):
    orders = 0

    def setUp(self):
        self.gateway = braintree.BraintreeGateway(braintree.Configuration(LOCAL, "sidecart", "sidecart_public", "sidecart_private"))

    def sale(self, **more):
        Simulator.orders += 1
        params = {"amount": "25.99", "order_id": f"py-{os.getpid()}-{Simulator.orders}", "payment_method_nonce": "fake-valid-nonce", "merchant_account_id": "sidecart-usd"}
        result = self.gateway.transaction.sale({k: v for k, v in {**params, **more}.items() if v is not None})
        self.assertTrue(result.is_success, getattr(result, "message", ""))
        return result.transaction

    def test_client_token(self):
        self.assertGreater(len(self.gateway.client_token.generate({"merchant_account_id": "sidecart-eur"})), 50)

    def test_customer_and_methods(self):
        made = self.gateway.customer.create({"first_name": "Ada", "email": "ada@example.com", "payment_method_nonce": "fake-valid-visa-nonce"})
        self.assertTrue(made.is_success)
        customer = made.customer
        self.assertEqual(customer.credit_cards[0].last_4, "1881")
        second = self.gateway.payment_method.create({"customer_id": customer.id, "payment_method_nonce": "fake-valid-mastercard-nonce", "options": {"make_default": True}})
        self.assertTrue(second.payment_method.default)
        found = self.gateway.payment_method.find(second.payment_method.token)
        self.assertEqual(found.customer_id, customer.id)
        kept = self.sale(payment_method_nonce=None, payment_method_token=found.token)
        self.assertEqual(kept.customer_details.id, customer.id)
        ids = [c.id for c in self.gateway.customer.search(braintree.CustomerSearch.id == customer.id).items]
        self.assertEqual(ids, [customer.id])
        self.gateway.payment_method.delete(found.token)
        with self.assertRaises(braintree.exceptions.not_found_error.NotFoundError):
            self.gateway.payment_method.find(found.token)

    def test_sale_and_declines(self):
        sale = self.sale(options={"submit_for_settlement": True}, billing={"postal_code": "20000"})
        self.assertEqual((sale.status, str(sale.amount), sale.avs_postal_code_response_code), ("submitted_for_settlement", "25.99", "N"))
        declined = self.gateway.transaction.sale({"amount": "5.00", "payment_method_nonce": "fake-processor-declined-visa-nonce"})
        self.assertFalse(declined.is_success)
        self.assertEqual(declined.transaction.processor_response_code, "2000")
        wrong = self.gateway.transaction.sale({"amount": "5.00", "payment_method_nonce": "fake-consumed-nonce"})
        self.assertIn("91564", [e.code for e in wrong.errors.deep_errors])

    def test_settlement_in_parts(self):
        parent = self.sale()
        first = self.gateway.transaction.submit_for_partial_settlement(parent.id, "10.00", {"order_id": "part-1"})
        self.assertTrue(first.is_success)
        self.assertEqual((first.transaction.authorized_transaction_id, first.transaction.order_id), (parent.id, "part-1"))
        found = self.gateway.transaction.find(parent.id)
        self.assertEqual((found.partial_settlement_transaction_ids, found.status), ([first.transaction.id], "settlement_pending"))
        self.assertTrue(self.gateway.transaction.void(parent.id).is_success)
        self.assertEqual(self.gateway.testing.settle_transaction(first.transaction.id).transaction.status, "settled")

    def test_void_refund_and_clone(self):
        self.assertEqual(self.gateway.transaction.void(self.sale().id).transaction.status, "voided")
        sale = self.sale(options={"submit_for_settlement": True})
        self.assertEqual(self.gateway.transaction.refund(sale.id).errors.deep_errors[0].code, "91506")
        self.gateway.testing.settle_transaction(sale.id)
        part = self.gateway.transaction.refund(sale.id, {"amount": "5.99", "order_id": "back"})
        self.assertEqual((part.transaction.type, part.transaction.refunded_transaction_id, part.transaction.order_id), ("credit", sale.id, "back"))
        clone = self.gateway.transaction.clone_transaction(sale.id, {"amount": "7.00", "options": {"submit_for_settlement": True}})
        self.assertEqual(clone.transaction.status, "submitted_for_settlement")

    def test_search(self):
        sale = self.sale()
        found = self.gateway.transaction.search(braintree.TransactionSearch.order_id == sale.order_id, braintree.TransactionSearch.amount.between("20", "30"))
        self.assertEqual([t.id for t in found.items], [sale.id])

    def test_disputes_and_webhooks(self):
        sale = self.sale(options={"submit_for_settlement": True})
        self.gateway.testing.settle_transaction(sale.id)
        dispute_id = sim("POST", "/_sim/disputes", {"transaction_id": sale.id, "amount": "25.99", "reason": "fraud", "kind": "chargeback"})["id"]
        self.assertEqual(self.gateway.dispute.find(dispute_id).status, "open")
        self.assertTrue(self.gateway.dispute.add_text_evidence(dispute_id, "losing_evidence").is_success)
        self.assertTrue(self.gateway.dispute.finalize(dispute_id).is_success)
        self.assertFalse(self.gateway.dispute.accept(dispute_id).is_success)
        dispute = self.gateway.dispute.find(dispute_id)
        self.assertEqual((dispute.status, dispute.evidence[0].comment), ("lost", "losing_evidence"))
        self.assertEqual([d.id for d in self.gateway.dispute.search(braintree.DisputeSearch.id == dispute_id).disputes.items], [dispute_id])
        kinds = []
        for notice in sim("GET", "/_sim/webhooks")["items"]:
            told = self.gateway.webhook_notification.parse(notice["bt_signature"], notice["bt_payload"])
            if getattr(told, "dispute", None) and told.dispute.id == dispute_id:
                kinds.append(told.kind)
        self.assertEqual(kinds, ["dispute_opened", "dispute_disputed", "dispute_lost"])


if __name__ == "__main__":
    unittest.main()

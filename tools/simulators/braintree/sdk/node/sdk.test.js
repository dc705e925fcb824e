"use strict";
// The official Node SDK against the simulator: every call that is simulated, as a program written for the sandbox makes it.
// GATEWAY_HOST and GATEWAY_PORT say where the simulator is; the SDK reads them itself.

const test = require("node:test");
const assert = require("node:assert/strict");
const http = require("node:http");
const { Readable } = require("node:stream");
const braintree = require("braintree");

const gateway = new braintree.BraintreeGateway({
  environment: braintree.Environment.Development,
  merchantId: "sidecart",
  publicKey: "sidecart_public",
  privateKey: "sidecart_private",
});

let orders = 0;
const order = (name) => `${name}-${process.pid}-${++orders}`;

// sim asks one of the simulator's switches.
const sim = (method, path, body) =>
  new Promise((resolve, reject) => {
    const req = http.request({ host: process.env.GATEWAY_HOST, port: process.env.GATEWAY_PORT, method, path, headers: { "Content-Type": "application/json" } }, (res) => {
      let text = "";
      res.on("data", (part) => (text += part));
      res.on("end", () => (res.statusCode < 300 ? resolve(text && JSON.parse(text)) : reject(new Error(`${path}: ${res.statusCode} ${text}`))));
    });
    req.on("error", reject);
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });

const sale = async (more = {}) => {
  const result = await gateway.transaction.sale({ amount: "25.99", orderId: order("sale"), paymentMethodNonce: "fake-valid-nonce", merchantAccountId: "sidecart-usd", ...more });
  assert.equal(result.success, true, result.message);
  return result.transaction;
};

const collect = async (stream) => {
  const all = [];
  for await (const item of stream) all.push(item);
  return all;
};

test("client token", async () => {
  const plain = await gateway.clientToken.generate({});
  assert.equal(plain.success, true);
  assert.match(JSON.parse(Buffer.from(plain.clientToken, "base64")).clientApiUrl, /merchants\/sidecart/);
  const customer = await gateway.customer.create({ firstName: "Ada" });
  const own = await gateway.clientToken.generate({ customerId: customer.customer.id, merchantAccountId: "sidecart-eur", version: 2 });
  assert.ok(own.clientToken);
  const none = await gateway.clientToken.generate({ customerId: "nobody" });
  assert.equal(none.success, false);
});

test("customer and payment methods", async () => {
  const made = await gateway.customer.create({ firstName: "Ada", lastName: "Lovelace", email: "ada@example.com", phone: "+44 20 7946 0000", company: "Engines", paymentMethodNonce: "fake-valid-visa-nonce" });
  assert.equal(made.success, true, made.message);
  const { id, creditCards, paymentMethods } = made.customer;
  assert.equal(creditCards.length, 1);
  assert.equal(paymentMethods.length, 1);
  assert.equal(creditCards[0].cardType, "Visa");
  assert.equal(creditCards[0].last4, "1881");
  assert.equal(creditCards[0].default, true);
  assert.match(creditCards[0].maskedNumber, /^\d{6}\*{6}1881$/);

  const second = await gateway.paymentMethod.create({ customerId: id, paymentMethodNonce: "fake-valid-mastercard-nonce", options: { makeDefault: true, verifyCard: true } });
  assert.equal(second.success, true, second.message);
  assert.equal(second.paymentMethod.default, true);
  const found = await gateway.paymentMethod.find(second.paymentMethod.token);
  assert.equal(found.constructor.name, "CreditCard");
  assert.equal(found.customerId, id);
  const paypal = await gateway.paymentMethod.create({ customerId: id, paymentMethodNonce: "fake-paypal-billing-agreement-nonce" });
  assert.equal(paypal.success, true, paypal.message);
  assert.equal(paypal.paymentMethod.constructor.name, "PayPalAccount");
  assert.equal((await gateway.paymentMethod.update(creditCards[0].token, { options: { makeDefault: true } })).success, true);

  const updated = await gateway.customer.update(id, { lastName: "King" });
  assert.equal(updated.customer.lastName, "King");
  const customer = await gateway.customer.find(id);
  assert.equal(customer.paymentMethods.length, 3);
  const byEmail = await collect(gateway.customer.search((s) => s.id().is(id)));
  assert.deepEqual(byEmail.map((c) => c.id), [id]);

  const kept = await sale({ paymentMethodNonce: undefined, paymentMethodToken: second.paymentMethod.token });
  assert.equal(kept.creditCard.token, second.paymentMethod.token);
  assert.equal(kept.customer.id, id);
  await gateway.paymentMethod.delete(second.paymentMethod.token);
  await assert.rejects(gateway.paymentMethod.find(second.paymentMethod.token), { type: "notFoundError" });
  const gone = await gateway.transaction.sale({ amount: "1.00", paymentMethodToken: second.paymentMethod.token });
  assert.equal(gone.success, false);
  assert.equal(gone.errors.for("transaction").on("paymentMethodToken")[0].code, braintree.ValidationErrorCodes.Transaction.PaymentMethodTokenIsInvalid);
  await gateway.customer.delete(id);
  await assert.rejects(gateway.customer.find(id), { type: "notFoundError" });
});

test("sale, its faults and its declines", async () => {
  const t = await sale({ options: { submitForSettlement: true }, deviceData: "{}", customFields: undefined, billing: { streetAddress: "1 Main", postalCode: "20000", countryCodeAlpha2: "US" },
    riskData: { customerIp: "198.51.100.1", customerBrowser: "node" }, customer: { firstName: "Ada", email: "ada@example.com" }, descriptor: { name: "shop*thing" } });
  assert.equal(t.status, braintree.Transaction.Status.SubmittedForSettlement);
  assert.equal(t.type, braintree.Transaction.Type.Sale);
  assert.equal(t.amount, "25.99");
  assert.equal(t.currencyIsoCode, "USD");
  assert.equal(t.avsPostalCodeResponseCode, "N");
  assert.equal(t.processorResponseCode, "1000");
  assert.equal(t.paymentInstrumentType, "credit_card");
  assert.deepEqual(t.statusHistory.map((s) => s.status), ["authorized", "submitted_for_settlement"]);
  assert.ok(!Number.isNaN(Date.parse(t.createdAt)));
  const found = await gateway.transaction.find(t.id);
  assert.equal(found.orderId, t.orderId);
  assert.equal(found.billing.postalCode, "20000");
  assert.equal(found.disbursementDetails.isValid(), false);
  await assert.rejects(gateway.transaction.find("nothere"), { type: "notFoundError" });

  const declined = await gateway.transaction.sale({ amount: "5.00", paymentMethodNonce: "fake-processor-declined-visa-nonce" });
  assert.equal(declined.success, false);
  assert.equal(declined.transaction.status, "processor_declined");
  assert.equal(declined.transaction.processorResponseType, "soft_declined");
  assert.ok(declined.message.length > 0);
  const rejected = await gateway.transaction.sale({ amount: "5.00", paymentMethodNonce: "fake-gateway-rejected-fraud-nonce" });
  assert.equal(rejected.transaction.gatewayRejectionReason, braintree.Transaction.GatewayRejectionReason.Fraud);
  const wrong = await gateway.transaction.sale({ amount: "abc", paymentMethodNonce: "fake-consumed-nonce" });
  assert.equal(wrong.success, false);
  const codes = wrong.errors.deepErrors().map((e) => e.code).sort();
  assert.ok(codes.includes("81503") || codes.includes("91564"), codes.join());
  assert.equal(wrong.params.transaction.amount, "abc");
  const yen = await sale({ amount: "2500", merchantAccountId: "sidecart-jpy" });
  assert.equal(yen.amount, "2500");
  const secure = await sale({ paymentMethodNonce: "fake-three-d-secure-visa-full-authentication-nonce" });
  assert.equal(secure.threeDSecureInfo.liabilityShifted, true);
  const paypal = await sale({ paymentMethodNonce: "fake-paypal-one-time-nonce" });
  assert.equal(paypal.paymentInstrumentType, "paypal_account");
  assert.ok(paypal.paypalAccount.payerEmail);
});

test("settlement whole, in part and in parts", async () => {
  const whole = await gateway.transaction.submitForSettlement((await sale()).id);
  assert.equal(whole.transaction.status, "submitted_for_settlement");
  const less = await gateway.transaction.submitForSettlement((await sale()).id, "5.00", { orderId: order("less") });
  assert.equal(less.transaction.amount, "5.00");
  const again = await gateway.transaction.submitForSettlement(less.transaction.id);
  assert.equal(again.success, false);
  assert.equal(again.errors.deepErrors()[0].code, braintree.ValidationErrorCodes.Transaction.CannotSubmitForSettlement);

  const parent = await sale({ paymentMethodNonce: "fake-venmo-account-nonce" });
  const name = order("part");
  const first = await gateway.transaction.submitForPartialSettlement(parent.id, "10.00", { orderId: name });
  assert.equal(first.success, true, first.message);
  assert.equal(first.transaction.authorizedTransactionId, parent.id);
  assert.equal(first.transaction.orderId, name);
  assert.equal(first.transaction.status, "submitted_for_settlement");
  const second = await gateway.transaction.submitForPartialSettlement(parent.id, "5.00");
  const after = await gateway.transaction.find(parent.id);
  assert.deepEqual(after.partialSettlementTransactionIds, [first.transaction.id, second.transaction.id]);
  assert.equal(after.status, "settlement_pending");
  const much = await gateway.transaction.submitForPartialSettlement(parent.id, "11.00");
  assert.equal(much.errors.deepErrors()[0].code, braintree.ValidationErrorCodes.Transaction.SettlementAmountIsTooLarge);
  assert.equal((await gateway.transaction.void(parent.id)).success, true);

  const settled = await gateway.testing.settle(first.transaction.id);
  assert.equal(settled.transaction.status, "settled");
  const refused = await gateway.testing.settlementDecline(second.transaction.id);
  assert.equal(refused.transaction.status, "settlement_declined");
});

test("void, refund and clone", async () => {
  const voided = await gateway.transaction.void((await sale()).id);
  assert.equal(voided.transaction.status, "voided");
  const twice = await gateway.transaction.void(voided.transaction.id);
  assert.equal(twice.errors.deepErrors()[0].code, braintree.ValidationErrorCodes.Transaction.CannotBeVoided);

  const t = await sale({ options: { submitForSettlement: true } });
  const early = await gateway.transaction.refund(t.id);
  assert.equal(early.errors.deepErrors()[0].code, braintree.ValidationErrorCodes.Transaction.CannotRefundUnlessSettled);
  await gateway.testing.settle(t.id);
  const part = await gateway.transaction.refund(t.id, { amount: "5.99", orderId: order("refund") });
  assert.equal(part.success, true, part.message);
  assert.equal(part.transaction.type, braintree.Transaction.Type.Credit);
  assert.equal(part.transaction.refundedTransactionId, t.id);
  const rest = await gateway.transaction.refund(t.id, "20.00");
  assert.equal(rest.success, true, rest.message);
  assert.deepEqual((await gateway.transaction.find(t.id)).refundIds, [part.transaction.id, rest.transaction.id]);
  assert.equal((await gateway.transaction.refund(t.id, "0.01")).success, false);

  const clone = await gateway.transaction.cloneTransaction(t.id, { amount: "7.00", channel: "edit", options: { submitForSettlement: true } });
  assert.equal(clone.success, true, clone.message);
  assert.equal(clone.transaction.amount, "7.00");
  assert.equal(clone.transaction.status, "submitted_for_settlement");
});

test("search", async () => {
  const name = order("search");
  const made = [];
  for (const amount of ["1.00", "2.00", "3.00"]) made.push((await sale({ amount, orderId: name })).id);
  await gateway.transaction.void(made[2]);
  const found = await collect(gateway.transaction.search((s) => s.orderId().is(name)));
  assert.deepEqual(found.map((t) => t.id).sort(), [...made].sort());
  const some = await collect(gateway.transaction.search((s) => {
    s.orderId().startsWith(name.slice(0, -1));
    s.status().in([braintree.Transaction.Status.Authorized]);
    s.amount().between("1.50", "2.50");
    s.createdAt().min(new Date(Date.now() - 3600e3));
    s.ids().in(made);
  }));
  assert.deepEqual(some.map((t) => t.id), [made[1]]);
  const result = await new Promise((resolve, reject) => gateway.transaction.search((s) => s.ids().in(made), (err, r) => (err ? reject(err) : resolve(r))));
  assert.equal(result.length(), 3);
  const first = await new Promise((resolve, reject) => result.first((err, t) => (err ? reject(err) : resolve(t))));
  assert.ok(made.includes(first.id));
  assert.deepEqual(await collect(gateway.transaction.search((s) => s.orderId().is("nobody"))), []);
});

test("disputes with evidence, and webhooks", async () => {
  const t = await sale({ options: { submitForSettlement: true } });
  await gateway.testing.settle(t.id);
  const { id } = await sim("POST", "/_sim/disputes", { transaction_id: t.id, amount: "25.99", reason: "fraud", kind: "chargeback" });
  const { dispute } = await gateway.dispute.find(id);
  assert.equal(dispute.status, "open");
  assert.equal(dispute.transaction.id, t.id);
  assert.equal(dispute.amount, "25.99");
  assert.equal((await gateway.transaction.find(t.id)).disputes[0].id, id);
  const said = await gateway.dispute.addTextEvidence(id, { content: "compelling_evidence", category: "GENERAL" });
  assert.equal(said.success, true, said.message);
  assert.equal(said.evidence.comment, "compelling_evidence");
  const spare = await gateway.dispute.addTextEvidence(id, "spare");
  assert.equal((await gateway.dispute.removeEvidence(id, spare.evidence.id)).success, true);
  const done = await gateway.dispute.finalize(id);
  assert.equal(done.success, true, done.message);
  const late = await gateway.dispute.accept(id);
  assert.equal(late.success, false);
  const { dispute: after } = await gateway.dispute.find(id);
  assert.equal(after.status, "won");
  assert.equal(after.evidence.length, 1);
  const list = await new Promise((resolve, reject) => gateway.dispute.search((s) => s.id().is(id), (err, r) => (err ? reject(err) : resolve(r))));
  const all = await collect(Readable.from(list.disputes ?? list));
  assert.deepEqual(all.map((d) => d.id), [id]);
  await assert.rejects(gateway.dispute.find("nothere"), { type: "notFoundError" });

  const { items } = await sim("GET", "/_sim/webhooks");
  const kinds = [];
  for (const n of items) {
    const notification = await gateway.webhookNotification.parse(n.bt_signature, n.bt_payload);
    if (notification.dispute?.id === id) kinds.push(notification.kind);
  }
  assert.deepEqual(kinds, ["dispute_opened", "dispute_disputed", "dispute_won"]);
  await assert.rejects(gateway.webhookNotification.parse(items[0].bt_signature.replace(/.$/, "x"), items[0].bt_payload), { type: "invalidSignatureError" });
  assert.match(gateway.webhookNotification.verify("0123456789abcdef0123"), /^sidecart_public\|/);
});

test("who has no keys, and a merchant account", async () => {
  const stranger = new braintree.BraintreeGateway({ environment: braintree.Environment.Development, merchantId: "sidecart", publicKey: "x", privateKey: "y" });
  await assert.rejects(stranger.transaction.find("x"), { type: "authenticationError" });
  const account = await gateway.merchantAccount.find("sidecart-eur");
  assert.equal(account.currencyIsoCode, "EUR");
});

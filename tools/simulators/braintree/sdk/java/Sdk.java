import com.braintreegateway.*;
import com.braintreegateway.exceptions.NotFoundException;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.*;
import java.util.*;
import java.util.regex.*;

/** The official Java SDK against the simulator, whose address is in SIMULATOR. */
public class Sdk {
    static final String BASE = System.getenv("SIMULATOR");
    static final BraintreeGateway gateway = new BraintreeGateway(new Environment(BASE, BASE, new String[] {}, "local", BASE), "sidecart", "sidecart_public", "sidecart_private");
    static int orders, checks;

    static void same(Object want, Object got) {
        checks++;
        if (!Objects.equals(want, got)) throw new AssertionError("want " + want + ", got " + got);
    }

    static String sim(String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(BASE + path)).header("Content-Type", "application/json");
        if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
        return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
    }

    static <T> T ok(Result<T> result) {
        checks++;
        if (!result.isSuccess()) throw new AssertionError(result.getMessage());
        return result.getTarget();
    }

    static TransactionRequest request() {
        return new TransactionRequest().amount(new BigDecimal("25.99")).orderId("java-" + ProcessHandle.current().pid() + "-" + ++orders).merchantAccountId("sidecart-usd");
    }

    static Transaction sale(boolean submit) {
        return ok(gateway.transaction().sale(request().paymentMethodNonce("fake-valid-nonce").options().submitForSettlement(submit).done()));
    }

    public static void main(String[] args) throws Exception {
        same(true, gateway.clientToken().generate(new ClientTokenRequest().merchantAccountId("sidecart-eur")).length() > 50);
        vault();
        sales();
        parts();
        back();
        disputes();
        System.out.println(checks + " passed, 0 failed");
    }

    static void vault() {
        Customer customer = ok(gateway.customer().create(new CustomerRequest().firstName("Ada").email("ada@example.com").paymentMethodNonce("fake-valid-visa-nonce")));
        same("1881", customer.getCreditCards().get(0).getLast4());
        PaymentMethod second = ok(gateway.paymentMethod().create(new PaymentMethodRequest().customerId(customer.getId()).paymentMethodNonce("fake-valid-mastercard-nonce").options().makeDefault(true).done()));
        same(true, second.isDefault());
        Transaction kept = ok(gateway.transaction().sale(request().paymentMethodToken(second.getToken())));
        same(customer.getId(), kept.getCustomer().getId());
        same(1, gateway.customer().search(new CustomerSearchRequest().id().is(customer.getId())).getIds().size());
        gateway.paymentMethod().delete(second.getToken());
        try {
            gateway.paymentMethod().find(second.getToken());
            throw new AssertionError("a deleted method was found");
        } catch (NotFoundException e) {
            checks++;
        }
    }

    static void sales() {
        Transaction t = sale(true);
        same(Transaction.Status.SUBMITTED_FOR_SETTLEMENT, t.getStatus());
        same(new BigDecimal("25.99"), t.getAmount());
        Result<Transaction> declined = gateway.transaction().sale(request().paymentMethodNonce("fake-processor-declined-visa-nonce"));
        same("2000", declined.getTransaction().getProcessorResponseCode());
        Result<Transaction> wrong = gateway.transaction().sale(request().paymentMethodNonce("fake-consumed-nonce"));
        same(ValidationErrorCode.TRANSACTION_PAYMENT_METHOD_NONCE_CONSUMED, wrong.getErrors().getAllDeepValidationErrors().get(0).getCode());
        List<String> found = new ArrayList<>();
        for (Transaction x : gateway.transaction().search(new TransactionSearchRequest().orderId().is(t.getOrderId()).amount().between(new BigDecimal("20"), new BigDecimal("30")))) found.add(x.getId());
        same(List.of(t.getId()), found);
    }

    static void parts() {
        Transaction parent = sale(false);
        Transaction part = ok(gateway.transaction().submitForPartialSettlement(parent.getId(), new TransactionRequest().amount(new BigDecimal("10.00")).orderId("part-1")));
        same(parent.getId(), part.getAuthorizedTransactionId());
        same("part-1", part.getOrderId());
        Transaction after = gateway.transaction().find(parent.getId());
        same(List.of(part.getId()), after.getPartialSettlementTransactionIds());
        same(Transaction.Status.SETTLEMENT_PENDING, after.getStatus());
        same(Transaction.Status.VOIDED, ok(gateway.transaction().voidTransaction(parent.getId())).getStatus());
        same(Transaction.Status.SETTLED, ok(gateway.testing().settle(part.getId())).getStatus());
    }

    static void back() {
        Transaction t = sale(true);
        same(ValidationErrorCode.TRANSACTION_CANNOT_REFUND_UNLESS_SETTLED, gateway.transaction().refund(t.getId()).getErrors().getAllDeepValidationErrors().get(0).getCode());
        gateway.testing().settle(t.getId());
        Transaction credit = ok(gateway.transaction().refund(t.getId(), new TransactionRefundRequest().amount(new BigDecimal("5.99")).orderId("back")));
        same(t.getId(), credit.getRefundedTransactionId());
        same(Transaction.Type.CREDIT, credit.getType());
        Transaction clone = ok(gateway.transaction().cloneTransaction(t.getId(), new TransactionCloneRequest().amount(new BigDecimal("7.00")).options().submitForSettlement(true).done()));
        same(Transaction.Status.SUBMITTED_FOR_SETTLEMENT, clone.getStatus());
    }

    static void disputes() throws Exception {
        Transaction t = sale(true);
        gateway.testing().settle(t.getId());
        String made = sim("/_sim/disputes", "{\"transaction_id\":\"" + t.getId() + "\",\"amount\":\"25.99\",\"reason\":\"fraud\",\"kind\":\"chargeback\"}");
        Matcher m = Pattern.compile("\"id\":\\s*\"([^\"]+)\"").matcher(made);
        same(true, m.find());
        String id = m.group(1);
        same(Dispute.Status.OPEN, gateway.dispute().find(id).getStatus());
        same("compelling_evidence", ok(gateway.dispute().addTextEvidence(id, "compelling_evidence")).getComment());
        same(true, gateway.dispute().finalize(id).isSuccess());
        same(Dispute.Status.WON, gateway.dispute().find(id).getStatus());
        List<String> found = new ArrayList<>();
        for (Dispute d : gateway.dispute().search(new DisputeSearchRequest().id().is(id))) found.add(d.getId());
        same(List.of(id), found);
        List<WebhookNotification.Kind> kinds = new ArrayList<>();
        Matcher notices = Pattern.compile("\"bt_(signature|payload)\":\\s*\"([^\"]+)\"").matcher(sim("/_sim/webhooks", null));
        while (notices.find()) {
            Map<String, String> notice = new HashMap<>(Map.of(notices.group(1), notices.group(2)));
            same(true, notices.find());
            notice.put(notices.group(1), notices.group(2));
            WebhookNotification n = gateway.webhookNotification().parse(notice.get("signature"), notice.get("payload").replace("\\n", "\n"));
            if (n.getDispute() != null && n.getDispute().getId().equals(id)) kinds.add(n.getKind());
        }
        same(List.of(WebhookNotification.Kind.DISPUTE_OPENED, WebhookNotification.Kind.DISPUTE_DISPUTED, WebhookNotification.Kind.DISPUTE_WON), kinds);
    }
}

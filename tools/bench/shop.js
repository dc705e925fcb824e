// What the scenarios share. k6 works on the cores of the shop, so that what it spends is taken from the shop: bodies are thrown away
// where nobody reads them, single members are picked out of the others, and one tag is kept in place of fifteen. Start one by hand with VERBOSE=1 to see
// what is refused.
//
// The runner (tools/internal/bench) gives what a scenario needs: BASE, SHOP, DURATION, SHOPPERS, GOODS (a file with what can be bought),
// STAMP (no two runs have the same) and SUMMARY (where the figures go).
import http from 'k6/http';
import { SharedArray } from 'k6/data';
import { Counter, Trend } from 'k6/metrics';

export const base = __ENV.BASE || 'http://127.0.0.1:8000';
export const shop = __ENV.SHOP || 'http://127.0.0.1:8010'; // the storefront
export const shoppers = Number(__ENV.SHOPPERS || 32);
export const duration = __ENV.DURATION || '30s';

const done = new Counter('done');
const clock = new Trend('clock');
const complete = new Trend('complete');

// goods is a list of the runner's file: skus, products (slugs) or categories (slugs of leaves).
export function goods(list) {
  return new SharedArray(list, () => JSON.parse(open(__ENV.GOODS))[list]);
}

export function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}

const headers = { 'Content-Type': 'application/json' };
const unread = { headers };
const text = { headers, responseType: 'text' };

// send asks, and returns the answer if it has the wanted status; its body is there if it is to be read.
function send(method, path, body, want, params) {
  const r = http.request(method, base + path, body === null ? null : JSON.stringify(body), params);
  if (r.status === want) return r;
  if (__ENV.VERBOSE) console.error(`${method} ${path}: ${r.status} ${String(r.body).slice(0, 300)}`);
  return null;
}

export function call(method, path, body, want) { return send(method, path, body, want, unread); }
export function read(method, path, body, want) { return send(method, path, body, want, text); }

// page asks for a page of the storefront as a browser does.
const html = { headers: { 'Accept-Encoding': 'br', Accept: 'text/html' }, redirects: 0 };

export function page(path) {
  const r = http.get(shop + path, html);
  if (r.status === 200) return r;
  if (__ENV.VERBOSE) console.error(`${path}: ${r.status}`);
  return null;
}

// flow is the function of a scenario: what counts as done, and when the first began and the last ended, by k6's clock.
export function flow(once) {
  let begun = false;
  return () => {
    if (!begun) {
      clock.add(Date.now());
      begun = true;
    }
    if (once()) done.add(1);
    clock.add(Date.now());
  };
}

// alone makes the options of a script with one scenario.
export function alone(scenario) {
  return {
    scenarios: { bench: scenario },
    discardResponseBodies: true,
    systemTags: ['expected_response'],
    noCookiesReset: true,
    summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
  };
}

// steady is a number of shoppers for a time; who is at it when the time is over ends what he began.
export function steady() {
  return alone({ executor: 'constant-vus', vus: shoppers, duration, gracefulStop: '30s' });
}

// handleSummary writes the figures for the runner, and nothing for the eye.
export function handleSummary(data) {
  const figures = {};
  for (const [name, metric] of Object.entries(data.metrics)) figures[name] = metric.values;
  return { [__ENV.SUMMARY || 'stdout']: JSON.stringify(figures) };
}

const address = {
  name: 'Sample Customer', line1: '1 Main Street', city: 'Columbus', region: 'OH', postal_code: '43004', country: 'US',
};

// cart opens one and returns its path.
export function cart() {
  const r = read('POST', '/v1/carts', { currency: 'USD', country: 'US' }, 201);
  return r && `/v1/carts/${r.json('id')}`;
}

export function add(cart, sku) {
  return call('POST', `${cart}/lines`, { sku, quantity: 1 }, 201);
}

// checkout asks for one and gives back the answer, whatever it is. A shopper who is told that it is sold out is answered well.
const expected = { headers, responseType: 'text', responseCallback: http.expectedStatuses(201, 409) };

export function checkout(cart) {
  const body = JSON.stringify({ cart_id: cart.slice('/v1/carts/'.length), email: 'customer@example.com' });
  return http.post(`${base}/v1/checkouts`, body, expected);
}

// finish takes an open checkout to the captured order in six requests.
export function finish(id) {
  const path = `/v1/checkouts/${id}`;
  if (!call('PATCH', path, { shipping_address: address, billing_address: address }, 200)) return false;
  let r = read('GET', `${path}/shipping-options`, null, 200);
  if (!r) return false;
  r = read('PATCH', path, { shipping_option_id: r.json('items.0.id') }, 200);
  if (!r || !call('POST', `${path}/payment-session`, {}, 200)) return false;
  r = send('POST', `${path}/complete`, { payment_method_nonce: 'fake-valid-nonce', expected_total: r.json('totals.total') }, 201,
    { headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `bench-${__ENV.STAMP}-${__VU}-${__ITER}` }, responseType: 'text' });
  if (!r) return false;
  complete.add(r.timings.duration);
  return call('GET', `/v1/orders/${r.json('id')}?access_token=${r.json('access_token')}`, null, 200) !== null;
}

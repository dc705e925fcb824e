// What the scenarios share: calls with checks, a guest's way to an order, and data that setup() gathers from the shop itself.
import http from 'k6/http';
import { check, fail } from 'k6';
import { Counter } from 'k6/metrics';

export const base = __ENV.BASE || 'http://127.0.0.1:8000';
export const shoppers = Number(__ENV.SHOPPERS || 32);
export const duration = __ENV.DURATION || '30s';
export const orders = new Counter('orders');
export const flows = new Counter('flows');

const json = { 'Content-Type': 'application/json' };

// call asks and checks the status; name groups requests of one kind in the report.
export function call(method, path, body, want, name) {
  const r = http.request(method, base + path, body === null ? null : JSON.stringify(body), { headers: json, tags: { name: name || path } });
  if (!check(r, { [name || path]: (x) => x.status === want })) {
    if (__ENV.VERBOSE) console.error(`${method} ${path}: ${r.status} ${String(r.body).slice(0, 300)}`);
    return null;
  }
  return r.body ? r.json() : {};
}

// catalogue finds SKUs that can be bought in USD, with their products, from the public listing.
export function catalogue(want) {
  const skus = [];
  const products = [];
  let cursor = '';
  while (skus.length < want) {
    const r = http.get(`${base}/v1/products?limit=100&in_stock=true&currency=USD&country=US${cursor}`);
    if (r.status !== 200) fail(`the listing answers ${r.status}: ${r.body}`);
    const page = r.json();
    for (const p of page.items) {
      products.push(p.slug);
      skus.push(...p.skus);
    }
    if (!page.next_cursor) break;
    cursor = `&cursor=${page.next_cursor}`;
  }
  if (skus.length < 10) fail(`only ${skus.length} SKUs can be bought: is the shop seeded?`);
  return { skus, products };
}

export function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}

export const address = {
  name: 'Sample Customer', line1: '1 Main Street', city: 'Columbus', region: 'OH', postal_code: '43004', country: 'US',
};

function key() {
  let s = '';
  while (s.length < 40) s += Math.random().toString(36).slice(2);
  return s.slice(0, 40);
}

// open makes a cart.
export function open() {
  return call('POST', '/v1/carts', { currency: 'USD', country: 'US' }, 201, 'create cart');
}

export function add(cart, sku, quantity) {
  return call('POST', `/v1/carts/${cart.id}/lines`, { sku, quantity }, 201, 'add line');
}

// buy takes a filled cart to the captured order: seven requests.
export function buy(cart) {
  const co = call('POST', '/v1/checkouts', { cart_id: cart.id, email: 'customer@example.com' }, 201, 'create checkout');
  return co && finish(co);
}

// finish takes an open checkout to the captured order.
export function finish(co) {
  const path = `/v1/checkouts/${co.id}`;
  if (!call('PATCH', path, { shipping_address: address, billing_address: address }, 200, 'set address')) return null;
  const options = call('GET', `${path}/shipping-options`, null, 200, 'shipping options');
  if (!options || !options.items.length) return null;
  co = call('PATCH', path, { shipping_option_id: options.items[0].id }, 200, 'choose shipping');
  if (!co || !call('POST', `${path}/payment-session`, {}, 200, 'payment session')) return null;
  const r = http.post(`${base}${path}/complete`, JSON.stringify({ payment_method_nonce: 'fake-valid-nonce', expected_total: co.totals.total }),
    { headers: Object.assign({ 'Idempotency-Key': key() }, json), tags: { name: 'complete' } });
  if (!check(r, { complete: (x) => x.status === 201 })) {
    if (__ENV.VERBOSE) console.error(`complete: ${r.status} ${String(r.body).slice(0, 300)}`);
    return r;
  }
  const order = r.json();
  if (!call('GET', `/v1/orders/${order.id}?access_token=${order.access_token}`, null, 200, 'get order')) return null;
  orders.add(1);
  return r;
}

// steady runs a scenario with a number of shoppers for a time.
export function steady() {
  return {
    scenarios: { shoppers: { executor: 'constant-vus', vus: shoppers, duration, gracefulStop: '10s' } },
    summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
  };
}

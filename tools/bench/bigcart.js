// What a line costs in a cart that has LINES already: each shopper fills a cart once, then adds and removes one line.
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import { base, call, catalogue, duration, open } from './shop.js';

const lines = Number(__ENV.LINES || 10);
const added = new Trend('added_line', true);
const carts = {};

export const options = {
  scenarios: { shoppers: { executor: 'constant-vus', vus: Number(__ENV.SHOPPERS || 4), duration } },
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export function setup() { return catalogue(lines + 50); }

export default function ({ skus }) {
  if (!carts[__VU]) {
    const cart = open();
    for (let i = 0; i < lines; i += 100) {
      const batch = skus.slice(i, Math.min(i + 100, lines)).map((sku) => ({ sku, quantity: 1 }));
      call('POST', `/v1/carts/${cart.id}/lines/batch`, { lines: batch }, 201, 'fill cart');
    }
    carts[__VU] = cart.id;
  }
  const sku = skus[lines + (__ITER % 40)];
  const r = http.post(`${base}/v1/carts/${carts[__VU]}/lines`, JSON.stringify({ sku, quantity: 1 }), { headers: { 'Content-Type': 'application/json' }, tags: { name: 'add to a big cart' } });
  if (r.status !== 201) return;
  added.add(r.timings.duration);
  const line = r.json().lines.find((l) => l.sku === sku);
  call('DELETE', `/v1/carts/${carts[__VU]}/lines/${line.id}`, null, 200, 'remove line');
}

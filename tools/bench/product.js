// Product pages at a fixed rate (RATE a second), random products.
import { call, catalogue, duration, pick } from './shop.js';

export const options = {
  scenarios: { pages: { executor: 'constant-arrival-rate', rate: Number(__ENV.RATE || 300), timeUnit: '1s', duration, preAllocatedVUs: 64, maxVUs: 128 } },
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export function setup() { return catalogue(500); }

export default function ({ products }) {
  call('GET', `/v1/products/${pick(products)}`, null, 200, 'product page');
}

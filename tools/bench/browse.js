// Listings of 24 products in random categories.
import http from 'k6/http';
import { base, call, flows, pick, steady } from './shop.js';

export const options = steady();

export function setup() {
  const leaves = [];
  const walk = (all) => all.forEach((c) => (c.children.length ? walk(c.children) : leaves.push(c.slug)));
  walk(http.get(`${base}/v1/categories`).json().items);
  return { leaves };
}

export default function ({ leaves }) {
  if (call('GET', `/v1/products?limit=24&category=${pick(leaves)}&currency=USD&country=US`, null, 200, 'listing')) flows.add(1);
}

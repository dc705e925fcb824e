// A cart's life in six requests: create, add three lines, change one, read.
import { add, call, catalogue, flows, open, pick, steady } from './shop.js';

export const options = steady();

export function setup() { return catalogue(500); }

export default function ({ skus }) {
  let cart = open();
  if (!cart) return;
  for (let i = 0; i < 3; i++) {
    cart = add(cart, pick(skus), 1);
    if (!cart) return;
  }
  if (!call('PATCH', `/v1/carts/${cart.id}/lines/${cart.lines[0].id}`, { quantity: 2 }, 200, 'change line')) return;
  if (call('GET', `/v1/carts/${cart.id}`, null, 200, 'read cart')) flows.add(1);
}

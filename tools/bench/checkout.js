// A guest buys two lines in ten requests, to the captured order.
import { add, buy, catalogue, flows, open, pick, steady } from './shop.js';

export const options = steady();

export function setup() { return catalogue(1500); }

export default function ({ skus }) {
  let cart = open();
  if (!cart) return;
  const first = pick(skus);
  let second = pick(skus);
  while (second === first) second = pick(skus);
  cart = add(cart, first, 1) && add(cart, second, 1);
  if (cart && buy(cart)) flows.add(1);
}

// Whole stores on the core pass: in memory, the key-value example, and the point engine.
import { type Operations, type TestFunction, updateHandlerSuite } from 'sluice/testing';
import { describe, test } from 'vitest';
import {
  effort,
  kvOperations,
  kvSegments,
  memoryStore,
  pointOperations,
  pointSegments,
  type SegmentsPlace,
  StorePlace,
  tinyOperations,
} from './places.js';

/** The log and the segments have files of their own. */
const ofTheCore: TestFunction = (name, body) => {
  if (name.startsWith('the store on the core')) test(name, body);
};

function passes<Op>(segments: () => SegmentsPlace<Op>, operations: Operations<Op>): void {
  updateHandlerSuite({
    ...{ test: ofTheCore, operations, ...effort(1) },
    factory: () => new StorePlace(segments()),
    supports: {
      ...{ kill: true, powerCut: true, failedWrites: true, blocks: true },
      ...{ refused: true, optimizers: true, notes: true, touched: true },
    },
  });
}

describe('a store in memory', () => {
  updateHandlerSuite({
    ...{ test, describe, factory: memoryStore, operations: tinyOperations, ...effort(0) },
    supports: { refused: true, optimizers: true, notes: true, touched: true },
  });
});
describe('the key-value example', () => passes(kvSegments, kvOperations));
describe('the point engine', () => passes(() => pointSegments(), pointOperations));

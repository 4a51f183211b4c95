// Our own segments pass the suite that others' segments are tested by.
import { segmentsSuite } from 'sluice/testing';
import { describe, test } from 'vitest';
import { FakeIndexes } from '../../points/support/fake-indexes.js';
import {
  effort,
  kvOperations,
  kvSegments,
  pointOperations,
  pointSegments,
  TinyPlace,
  tinyOperations,
} from './places.js';

const runner = { test, describe, ...effort(5) };
const some = { kill: true, refused: true, optimizers: true, notes: true, touched: true };
const space = { reclaim: true, garbageBytes: true, diskUse: true };
const all = { ...some, powerCut: true, failedWrites: true, blocks: true };

describe('numbers in memory', () => {
  const factory = () => new TinyPlace();
  segmentsSuite({ ...runner, factory, operations: tinyOperations, supports: some });
});

describe('the key-value example', () => {
  const supports = { ...all, deathCounter: true };
  segmentsSuite({ ...runner, factory: kvSegments, operations: kvOperations, supports });
});

describe('points without vector indexes', () => {
  const factory = () => pointSegments();
  segmentsSuite({
    ...runner,
    factory,
    operations: pointOperations,
    supports: { ...all, ...space },
  });
});

describe('points with vector indexes', () => {
  const factory = () => pointSegments(new FakeIndexes());
  segmentsSuite({
    ...runner,
    factory,
    operations: pointOperations,
    supports: { ...all, ...space },
  });
});

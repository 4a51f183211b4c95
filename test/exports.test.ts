import * as sluice from 'sluice';
import * as testing from 'sluice/testing';
import { expect, test } from 'vitest';

test('the package exports these values, and a change of them is deliberate', () => {
  expect(Object.keys(sluice).sort()).toMatchInlineSnapshot(`
    [
      "Collection",
      "ERROR_CODES",
      "LevelWal",
      "MemoryWal",
      "ResourceBudget",
      "SluiceError",
      "UpdateHandler",
      "budgetSize",
      "createUpdateHandler",
      "isCancelled",
      "isSticky",
      "isTransient",
      "levelWal",
      "memoryWal",
      "openCollection",
      "plainCodec",
      "plan",
      "systemClock",
      "throwIfAborted",
      "vectorIndexSupport",
      "verifyStore",
    ]
  `);
});

test('sluice/testing exports these values', () => {
  expect(Object.keys(testing).sort()).toMatchInlineSnapshot(`
    [
      "check",
      "checksOf",
      "coverageOf",
      "describeFindings",
      "edgeText",
      "eventName",
      "eventText",
      "explore",
      "guardName",
      "nameOf",
      "randomWalks",
      "run",
      "shortestPaths",
      "simplePaths",
      "stateName",
      "stateNodes",
      "suite",
      "transitionCoverage",
      "transitionPairCoverage",
      "transitions",
    ]
  `);
});

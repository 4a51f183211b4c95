import * as sluice from 'sluice';
import * as core from 'sluice/core';
import * as inspect from 'sluice/inspect';
import * as metrics from 'sluice/metrics';
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
      "SegmentStore",
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

test('the core has everything of it but the collection of points', () => {
  const whole = new Map<string, unknown>(Object.entries(sluice));
  for (const [name, value] of Object.entries(core)) expect(whole.get(name)).toBe(value);
  expect([...whole.keys()].filter((name) => !(name in core)).sort()).toEqual([
    'Collection',
    'openCollection',
    'vectorIndexSupport',
    'verifyStore',
  ]);
});

test('sluice/testing exports these values', () => {
  expect(Object.keys(testing).sort()).toMatchInlineSnapshot(`
    [
      "Facts",
      "Journal",
      "PortGates",
      "Rule",
      "Rules",
      "StepClock",
      "assertGood",
      "chartTransitions",
      "check",
      "checksOf",
      "coverageOf",
      "describeFindings",
      "edgeText",
      "eventLine",
      "eventName",
      "eventText",
      "explore",
      "guardName",
      "nameOf",
      "partsOf",
      "pathOf",
      "plainExploration",
      "randomWalks",
      "recordPorts",
      "run",
      "segmentsSuite",
      "shortestPaths",
      "simplePaths",
      "simulate",
      "sluiceMachines",
      "startOf",
      "stateName",
      "stateNodes",
      "stepsOf",
      "suite",
      "transitionCoverage",
      "transitionPairCoverage",
      "transitions",
      "updateHandlerSuite",
      "walSuite",
      "walk",
      "writeDriver",
      "writeTests",
    ]
  `);
});

test('sluice/inspect exports these values', () => {
  expect(Object.keys(inspect).sort()).toMatchInlineSnapshot(`
    [
      "STATELY_URL",
      "connectStately",
      "serveInspector",
    ]
  `);
});

test('sluice/metrics exports this value', () => {
  expect(Object.keys(metrics)).toEqual(['observeMetrics']);
});

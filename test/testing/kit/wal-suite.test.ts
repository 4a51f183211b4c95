// Our own logs pass the suite that others' logs are tested by.
import { walSuite } from 'sluice/testing';
import { describe, test } from 'vitest';
import { effort, levelLog, memoryLog, sharedLog } from './places.js';

describe('a log in memory', () => {
  walSuite({ ...effort(10), test, describe, factory: memoryLog, supports: { permanence: false } });
});

describe('a log in LevelDB', () => {
  const supports = {
    ...{ kill: true, powerCut: true, failedWrites: true },
    ...{ logReclaim: true, logBytesOnDisk: true },
  };
  walSuite({ ...effort(10), test, describe, factory: levelLog, supports });
});

describe('a log with other writers', () => {
  const supports = { permanence: false, otherWriters: true };
  walSuite({ ...effort(10), test, describe, factory: sharedLog, supports });
});

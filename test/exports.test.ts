import * as sluice from 'sluice';
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

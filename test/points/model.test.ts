import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crash, settle, start, steps } from './support/model-steps.js';

const commands = fc.commands([...steps, fc.constant(crash)], { maxCommands: 80, size: 'max' });

it('any mix of operations, optimizations, flushes and crashes equals the model', async () => {
  let swaps = 0;
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const { model, real } = await start({
        configuration: { optimizers: { maxSegmentSizeKb: 0.02 } },
      });
      real.onSwap = () => {
        swaps += 1;
      };
      await fc.asyncModelRun(() => ({ model, real }), list);
      await settle(real, {});
    }),
    { numRuns: 150 },
  );
  expect(swaps).toBeGreaterThan(40);
});

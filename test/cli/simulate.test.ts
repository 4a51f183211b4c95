// `sluice simulate`: what it prints, and what it refuses.
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { withSeedProcesses } from '#sluice/cli/seed-processes.js';
import { sluice } from './support/host.js';

describe('sluice simulate', () => {
  it('runs seeds and tells what they have come to', async () => {
    const seeds = ['simulate', '--seed', '3', '--seeds', '2', '--operations', '10'];
    const { code, stdout, stderr } = await sluice(seeds);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/transitions taken: \d+ of \d+/);
    expect(stdout).toMatch(/2 seeds, 20 operations, .* 0 failed\n$/);
  });

  it('answers machines in one document, and leaves out the faults it is told to', async () => {
    const classes = 'busy,corruption,crashInCreation,crashInRecovery,kill,powerCut';
    const seed = ['simulate', '--seed', '3', '--operations', '10', '--without', classes, '--json'];
    const { code, stdout } = await sluice(seed);
    const report = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(report).toMatchObject({ seeds: 1, operations: 10, failed: [] });
    for (const name of classes.split(',')) expect(report.faults).not.toHaveProperty(name);
  });

  it('runs seeds in processes of their own, and finds the same', async () => {
    const seeds = ['simulate', '--seed', '3', '--seeds', '2', '--operations', '10', '--json'];
    const alone = JSON.parse((await sluice(seeds)).stdout);
    const together = JSON.parse((await sluice([...seeds, '--jobs', '2'])).stdout);
    expect({ ...together, seedsPerCpuMinute: 0 }).toEqual({ ...alone, seedsPerCpuMinute: 0 });
  });

  it('tells when such a process is killed, and ends the others', async () => {
    const processes: ChildProcess[] = [];
    const note = (message: unknown) => {
      processes.push((message as { process: ChildProcess }).process);
    };
    subscribe('child_process', note);
    const running = withSeedProcesses(2, { operations: 100_000 }, async (lanes) => {
      const seeds = Promise.all(lanes.map((lane, seed) => lane(seed)));
      processes[1]?.kill('SIGKILL');
      await seeds;
    });
    await expect(running).rejects.toThrow('the process that ran seed 1 ended with SIGKILL');
    unsubscribe('child_process', note);
    expect(processes.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL']);
  });

  it('refuses fault classes that there are not', async () => {
    const { code, stderr } = await sluice(['simulate', '--without', 'earthquake']);
    expect(code).toBe(2);
    expect(stderr).toContain('--without takes some of');
  });
});

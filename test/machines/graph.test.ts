// What must hold for each of the five machines, over every state that it can come to.
import { check, describeFindings, explore, type Properties, sluiceMachines } from 'sluice/testing';
import { describe, expect, it } from 'vitest';

for (const [name, { machine, how, properties }] of Object.entries(sluiceMachines)) {
  describe(`the graph of ${name}`, () => {
    const graph = explore(machine, how);
    const { mayCrash = [] } = properties;
    const findings = (asked: Properties) => describeFindings(check(graph, { mayCrash, ...asked }));

    it('enters every state, takes every transition, has no dead end, crashes only on purpose', () => {
      expect(findings({})).toBe('');
    });

    it('ends after one Stop in any state, by what comes of itself', () => {
      expect(findings({ stop: 'Stop' })).toBe('');
    });

    it('ignores no end of a child', () => {
      expect(findings({ heedsChildren: true })).toBe('');
    });

    it('crashes wherever it is meant to', () => {
      const crashes = check(graph).filter(({ property }) => /crash/.test(property));
      expect(crashes.length > 0).toBe(mayCrash.length > 0);
    });
  });
}

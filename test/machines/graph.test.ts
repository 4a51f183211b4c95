// What must hold for each of the five machines, over every state that it can come to.
import { check, checksOf, describeFindings, explore, sluiceMachines } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { contractOf } from './support/contracts.js';

for (const [name, made] of Object.entries(sluiceMachines)) {
  describe(`the graph of ${name}`, () => {
    const graph = explore(made.machine, made.how);
    const { properties } = contractOf(name, made);

    for (const { name: property, find } of checksOf(properties)) {
      it(property, () => {
        expect(describeFindings(find(graph))).toBe('');
      });
    }

    it('crashes wherever it is meant to', () => {
      const crashes = check(graph).filter(({ property }) => /crash/.test(property));
      expect(crashes.length > 0).toBe((properties.mayCrash ?? []).length > 0);
    });
  });
}

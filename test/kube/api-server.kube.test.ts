import { afterAll, beforeAll, describe } from 'vitest';
import { crdRuleSuite } from './suites/crd-rules.ts';
import { machinerySuite } from './suites/machinery.ts';
import { operatorSuite } from './suites/operator.ts';
import { wishRuleSuite } from './suites/wish-rules.ts';
import { ControlPlane } from './testing/control-plane.ts';
import { findCrdServer } from './testing/crd-server.ts';

const server = findCrdServer();

describe.skipIf(server === null)('a real API server', () => {
  let plane: ControlPlane | null = null;
  const thePlane = (): ControlPlane => {
    if (plane === null) throw new Error('it did not start');
    return plane;
  };
  beforeAll(async () => {
    if (server !== null) plane = await ControlPlane.start(server);
  });
  afterAll(() => plane?.stop());

  crdRuleSuite(thePlane);
  wishRuleSuite(thePlane);
  machinerySuite(thePlane);
  operatorSuite(thePlane);
});

import { describeHypervisor } from './conformance.ts';
import { simHypervisorLab } from './sim-hypervisor-lab.ts';

describeHypervisor('the simulated hypervisor', simHypervisorLab);

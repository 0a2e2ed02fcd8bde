import { describeHypervisor } from './conformance.ts';
import { fakeLibvirtdLab } from './fake-libvirtd-lab.ts';

describeHypervisor('the libvirt client on the fake libvirtd', fakeLibvirtdLab);

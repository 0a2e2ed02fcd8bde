import { z } from 'zod';
import {
  handoverSchema,
  managerJoinedSchema,
  managerRebuiltSchema,
  managersViewSchema,
  managerViewSchema,
} from '../api/schema/managers.ts';
import {
  deviceTestViewSchema,
  fenceDeviceAddedSchema,
  fenceDriverViewSchema,
} from '../api/schema/fencing.ts';
import { screenshotViewSchema } from '../api/schema/guest-stream.ts';
import { joinedSchema, tokenCreatedSchema } from '../api/schema/requests.ts';
import { alertTestViewSchema, alertViewSchema } from '../api/schema/alerts.ts';
import { armingViewSchema } from '../api/schema/arming.ts';
import { maintenanceViewSchema } from '../api/schema/maintenance.ts';
import {
  failoverExportSchema,
  governorViewSchema,
  settingViewSchema,
} from '../api/schema/guards.ts';
import {
  placementPolicySchema,
  ruleViewSchema,
  siteSnapshotSchema,
} from '../api/schema/placement.ts';
import {
  eventViewSchema,
  explanationViewSchema,
  failoverViewSchema,
  fenceViewSchema,
  nodeViewSchema,
  problemViewSchema,
  statusViewSchema,
  vmEditedSchema,
  vmViewSchema,
  whyViewSchema,
} from '../api/schema/views.ts';

/** Every form an answer can have, by name. Loaded with the first answer, not at start-up. */
export const answerSchemas = {
  status: statusViewSchema,
  node: nodeViewSchema,
  nodes: z.array(nodeViewSchema),
  vm: vmViewSchema,
  vms: z.array(vmViewSchema),
  event: eventViewSchema,
  events: z.array(eventViewSchema),
  failover: failoverViewSchema,
  failovers: z.array(failoverViewSchema),
  placement: siteSnapshotSchema,
  policy: placementPolicySchema,
  rule: ruleViewSchema,
  rules: z.array(ruleViewSchema),
  explanation: explanationViewSchema,
  why: whyViewSchema,
  vmEdited: vmEditedSchema,
  screenshot: screenshotViewSchema,
  fence: fenceViewSchema,
  fenceDeviceAdded: fenceDeviceAddedSchema,
  deviceTests: z.array(deviceTestViewSchema),
  fenceDrivers: z.array(fenceDriverViewSchema),
  tokenCreated: tokenCreatedSchema,
  joined: joinedSchema,
  managers: managersViewSchema,
  manager: managerViewSchema,
  managerJoined: managerJoinedSchema,
  managerRebuilt: managerRebuiltSchema,
  handover: handoverSchema,
  alert: alertViewSchema,
  alerts: z.array(alertViewSchema),
  alertTest: alertTestViewSchema,
  governor: governorViewSchema,
  arming: armingViewSchema,
  maintenance: maintenanceViewSchema,
  maintenances: z.array(maintenanceViewSchema),
  settings: z.array(settingViewSchema),
  failoverExport: failoverExportSchema,
  error: z.object({ error: problemViewSchema }),
};

export type AnswerForm = keyof typeof answerSchemas;
export type Answer<F extends AnswerForm> = z.infer<(typeof answerSchemas)[F]>;

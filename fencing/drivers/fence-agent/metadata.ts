import { DOMParser, type Element } from '@xmldom/xmldom';

export type ParameterType = 'string' | 'boolean' | 'duration' | 'integer' | 'select';

export interface AgentParameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly isRequired: boolean;
  /** Its value must not be seen: it travels as a secret and never as a setting. */
  readonly isSecret: boolean;
  /** Of a `select`. */
  readonly options: readonly string[];
}

/**
 * What an agent can stop. Only `power` makes Off mean that the node does not run; a fabric agent
 * cuts a node off its storage while it runs on.
 */
export type AgentClass = 'power' | 'storage' | 'notify' | 'heuristic';

export interface AgentMetadata {
  readonly parameters: readonly AgentParameter[];
  readonly actions: readonly string[];
  readonly class: AgentClass;
  /** It runs ipmitool, by a path that it can be told. */
  readonly drivesIpmitool: boolean;
}

/** Ours alone to set, or a way to have a manager run or write something else. */
const reserved =
  /^(action|method|delay|quiet|verbose|verbose_level|version|help|list|separator|plug_separator|disable_timeout|debug|debug_file|use_sudo|.*_path|.*_script)$/;

const secretName = /passw|passphrase|secret|token|api_?key|_kg$|^kg$/;

const types: Readonly<Record<string, ParameterType>> = {
  boolean: 'boolean',
  second: 'duration',
  integer: 'integer',
  select: 'select',
};

const fabricWords = /\b(scsi|mpath|brocade|sanbox2|ifmib|cisco_mds|vbox_storage)\b/;

/**
 * Reads `fence_x -o metadata`. Null when it is not that. Deprecated names are left out, because
 * some of them mean something else elsewhere (`port` is a plug).
 */
export function parseMetadata(agent: string, xml: string): AgentMetadata | null {
  let root: Element | null;
  try {
    const parser = new DOMParser({
      onError: (level) => {
        if (level !== 'warning') throw new Error('no XML');
      },
    });
    root = parser.parseFromString(xml, 'text/xml').documentElement;
  } catch {
    return null;
  }
  if (root?.tagName !== 'resource-agent') return null;
  const actions = elements(root, 'action');
  const names = actions.map((action) => action.getAttribute('name') ?? '');
  const isUnfenced = actions.some(
    (action) =>
      action.getAttribute('name') === 'on' &&
      (action.getAttribute('automatic') === '1' || action.getAttribute('on_target') === '1'),
  );
  return {
    parameters: elements(root, 'parameter').flatMap(parameterOf),
    actions: names,
    class: classOf(agent, names, isUnfenced),
    drivesIpmitool: elements(root, 'parameter').some(
      (parameter) => parameter.getAttribute('name') === 'ipmitool_path',
    ),
  };
}

function classOf(agent: string, actions: readonly string[], isUnfenced: boolean): AgentClass {
  if (isUnfenced || fabricWords.test(agent.replace(/^fence_/, ''))) return 'storage';
  if (agent.startsWith('fence_heuristics')) return 'heuristic';
  const isPower = ['on', 'off', 'status'].every((action) => actions.includes(action));
  return isPower ? 'power' : 'notify';
}

function parameterOf(element: Element): readonly AgentParameter[] {
  const name = element.getAttribute('name') ?? '';
  if (!/^[a-z0-9_-]+$/i.test(name) || reserved.test(name)) return [];
  if (element.getAttribute('deprecated') === '1') return [];
  const [content] = elements(element, 'content');
  return [
    {
      name,
      type: types[content?.getAttribute('type') ?? ''] ?? 'string',
      isRequired: element.getAttribute('required') === '1',
      isSecret: secretName.test(name),
      options: elements(element, 'option').map((option) => option.getAttribute('value') ?? ''),
    },
  ];
}

function elements(parent: Element, name: string): readonly Element[] {
  return [...parent.getElementsByTagName(name)];
}

import type { Cursor } from './cursor.ts';
import type { SiteMaps } from './site-maps.ts';
import type { FileAttachment, FileInterface } from './vm-file.ts';

/** A card, and the field that gives its address. */
export interface PlacedCard {
  readonly card: FileInterface;
  readonly macFrom: Cursor;
}

/** libvirt's own network of every node: what a pod's network is nearest to. */
const podNetwork: FileAttachment = { network: 'default' };

/** Network cards, in their order. A VM that names none has one in the network of pods. */
export function cardsOf(
  spec: Cursor,
  { maps, preference }: { readonly maps: SiteMaps; readonly preference: Cursor },
): readonly PlacedCard[] {
  const devices = spec.at('domain', 'devices');
  const networks = spec.at('networks').items();
  const entries = devices.at('interfaces').items();
  const auto = devices.at('autoattachPodInterface').flag();
  const preferredAuto = preference.at('devices', 'preferredAutoattachPodInterface').flag();
  const model = preference.at('devices', 'preferredInterfaceModel').word(32);
  const joined = new Set<Cursor>();
  const cards: PlacedCard[] = [];
  for (const entry of entries) {
    const nameAt = entry.at('name');
    const name = nameAt.text();
    const network = networks.find((one) => one.at('name').value === name);
    if (name === null || network === undefined) {
      nameAt.refuse('has no network of that name', { isFinal: true });
      continue;
    }
    joined.add(network);
    cards.push(cardOf(entry, network, { maps, model }));
  }
  for (const network of networks) {
    if (!joined.has(network)) network.at('name').refuse('has no interface', { isFinal: true });
  }
  if (entries.length > 0 || networks.length > 0 || !(auto ?? preferredAuto ?? true)) return cards;
  const attach = maps.network.get('pod') ?? podNetwork;
  return [{ card: { ...attach, model: model ?? 'virtio' }, macFrom: devices.at('interfaces') }];
}

function cardOf(
  entry: Cursor,
  network: Cursor,
  { maps, model }: { readonly maps: SiteMaps; readonly model: string | null },
): PlacedCard {
  entry.at('bridge').isGiven();
  entry.at('masquerade').isGiven();
  const macFrom = entry.at('macAddress');
  const mac = macOf(macFrom);
  const own = entry.at('model').word(32);
  return {
    card: {
      ...attachmentOf(network, maps),
      ...(mac === null ? {} : { mac }),
      model: own ?? model ?? 'virtio',
    },
    macFrom,
  };
}

function attachmentOf(network: Cursor, maps: SiteMaps): FileAttachment {
  const name = network.at('name').text() ?? '';
  const multus = network.at('multus', 'networkName');
  const wanted = multus.text();
  if (wanted !== null) {
    const mapped = maps.network.get(wanted) ?? maps.network.get(name);
    if (mapped === undefined) {
      multus.refuse('nobody has said which bridge or network of the nodes this is', {
        try: `--network-map ${wanted}=bridge:NAME`,
      });
    }
    return mapped ?? podNetwork;
  }
  const pod = network.at('pod');
  if (!pod.isGiven()) {
    if (!network.at('resourceClaim').exists) {
      network.refuse('is neither of pods nor of multus', { isFinal: true });
    }
    return podNetwork;
  }
  const mapped = maps.network.get('pod') ?? maps.network.get(name);
  pod.lose('note', 'what the cluster tells pods and services by it is not there');
  return mapped ?? podNetwork;
}

function macOf(at: Cursor): string | null {
  const text = at.text()?.toLowerCase().replaceAll('-', ':') ?? null;
  if (text === null || /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text)) return text;
  at.refuse('is no MAC address', { isFinal: true });
  return null;
}

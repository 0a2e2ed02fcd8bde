import type { JsonValue, Listener, MessageChannel, Network, NetworkAddress } from './network.ts';

type Accept = (channel: MessageChannel) => void;

interface Door {
  readonly listen: Network['listen'];
}

interface Split {
  /** False = whoever dialled cannot be for `first`, whatever it says. */
  readonly couldBeFirst: (channel: MessageChannel) => boolean;
  readonly isFirst: (message: JsonValue) => boolean;
}

/**
 * One address for two protocols: the first message of a connection tells which it is. `first` gets
 * the connections whose first message it recognises, `other` all the rest; one that comes before its
 * side listens is closed, and dialled again.
 */
export function splitListener(
  network: Pick<Network, 'listen'>,
  { couldBeFirst, isFirst }: Split,
): { readonly first: Door; readonly other: Door } {
  let first: Accept | null = null;
  let other: Accept | null = null;
  let shared: Promise<Listener> | null = null;
  let listening = 0;
  const hand = (side: Accept | null, channel: MessageChannel): void => {
    if (side === null) channel.close('nobody listens for this here yet');
    else side(channel);
  };
  const accept: Accept = (channel) => {
    if (!couldBeFirst(channel)) {
      hand(other, channel);
      return;
    }
    const early: JsonValue[] = [];
    let taken: ((message: JsonValue) => void) | null = null;
    channel.onMessage((message) => {
      if (taken !== null) {
        taken(message);
        return;
      }
      early.push(message);
      if (early.length > 1) return;
      const side = isFirst(message) ? first : other;
      hand(
        side,
        replaying(channel, early, (listener) => (taken = listener)),
      );
    });
  };
  const door = (set: (accept: Accept | null) => void): Door => ({
    listen: async (address: NetworkAddress, take: Accept) => {
      set(take);
      listening += 1;
      shared ??= network.listen(address, accept);
      const listener = await shared;
      return {
        address: listener.address,
        close: async () => {
          set(null);
          listening -= 1;
          if (listening > 0) return;
          shared = null;
          await listener.close();
        },
      };
    },
  });
  return {
    first: door((take) => (first = take)),
    other: door((take) => (other = take)),
  };
}

/** The channel as its side sees it: what was read to know it comes again. */
function replaying(
  channel: MessageChannel,
  early: JsonValue[],
  take: (listener: (message: JsonValue) => void) => void,
): MessageChannel {
  return {
    peer: channel.peer,
    send: (message) => channel.send(message),
    onMessage: (listener) => {
      for (const message of early.splice(0)) listener(message);
      take(listener);
    },
    onClose: (listener) => channel.onClose(listener),
    close: (reason) => channel.close(reason),
  };
}

// What the kernel sends to the view of a push or pull, and how it is folded. Mirrors nbcontainer/views/images.py.

export interface Layer {
  id: string;
  /** The engine's own word, such as "Pushing". */
  status: string;
  current: number;
  /** 0 where it is unknown. */
  total: number;
  done: boolean;
  /** The other side already had it. */
  skipped: boolean;
}

export interface ImageTransfer {
  direction: 'push' | 'pull';
  image: string;
  host: string;
  engine: string;
  started: number;
  finished: number | null;
  digest: string;
  size: number;
  /** Empty while it runs. */
  outcome: '' | 'done' | 'failed' | 'stopped';
  /** When everything had ended. */
  ended: number | null;
  notes: string[];
  layers: Layer[];
}

export interface TransferMessage {
  transfer?: Partial<Omit<ImageTransfer, 'layers'>>;
  layers?: Layer[];
}

export function applyTransfer(transfer: ImageTransfer, message: TransferMessage): ImageTransfer {
  const layers = new Map(transfer.layers.map((layer) => [layer.id, layer]));
  for (const layer of message.layers ?? []) layers.set(layer.id, layer);
  return { ...transfer, ...message.transfer, layers: [...layers.values()] };
}

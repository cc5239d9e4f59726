/** Move a buffer's backing store to another ArrayBuffer, as byte streams do on every Node: its bytes. */
export async function streamed(buffer: ArrayBuffer): Promise<Uint8Array> {
  let controller: ReadableByteStreamController | undefined;
  const stream = new ReadableStream({
    type: 'bytes',
    start(c) {
      controller = c;
    },
  });
  const reading = stream.getReader().read();
  controller?.enqueue(new Uint8Array(buffer));
  const { value } = await reading;
  if (buffer.byteLength !== 0 || !value) throw new Error('the stream has not moved the buffer');
  return value;
}

package org.spikellm.backend.vulkan;

/**
 * An encoding whose tables stay on the device.
 *
 * @param table what it says
 * @param order which channel stands in each place
 * @param classes of the places
 */
record DeviceEncoder(EncoderTable table, DeviceMemory.Range order, DeviceMemory.Range classes) {

  /** Counts of rows, in the form that a linear layer reads. */
  void encode(Recorder recorder, Kernels kernels, Source source, int rows, Activations.Slot out) {
    Arguments arguments = table.arguments(rows, source, order, classes, out.data(), out.thetas(), out.zeros(), out.data());
    recorder.dispatch(kernel(kernels, source, false), arguments, Pass.groups(rows), kernels.parts(rows, table.channels()));
  }

  /** What the counts of rows decode to; {@code out} may be the rows, where they are given. */
  void decode(Recorder recorder, Kernels kernels, Source source, int rows, DeviceMemory.Range out) {
    Arguments arguments = table.arguments(rows, source, order, classes, out, out, out, out);
    recorder.dispatch(kernel(kernels, source, true), arguments, Pass.groups(rows), 1);
  }

  private Kernel kernel(Kernels kernels, Source source, boolean decoded) {
    return kernels.get(kernels.threads(table.channels()), Shader.ENCODE, 0, decoded ? 1 : 0, source.kind().ordinal());
  }
}

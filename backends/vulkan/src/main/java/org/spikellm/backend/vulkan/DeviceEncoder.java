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
  void encode(Recorder recorder, Kernels kernels, DeviceMemory.Range x, int rows, Activations.Slot out) {
    Arguments arguments = table.arguments(rows, x, order, classes, out.data(), out.thetas(), out.zeros(), out.data());
    recorder.dispatch(kernels.get(Shader.ENCODE, 0, 0), arguments, Pass.groups(rows), 1);
  }

  /** What the counts of rows decode to; {@code out} may be {@code x}. */
  void decode(Recorder recorder, Kernels kernels, DeviceMemory.Range x, int rows, DeviceMemory.Range out) {
    Arguments arguments = table.arguments(rows, x, order, classes, out, out, out, out);
    recorder.dispatch(kernels.get(Shader.ENCODE, 0, 1), arguments, Pass.groups(rows), 1);
  }
}

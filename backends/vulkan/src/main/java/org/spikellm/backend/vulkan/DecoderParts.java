package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Encoding;
import org.spikellm.api.Tensor;

/** Brings what a decoder keeps to the device; of equal tables there is one. */
final class DecoderParts {

  private final Uploader uploader;
  private final Map<Encoding, DeviceEncoder> encoders = new HashMap<>();
  private final Map<ChannelOrder, DeviceMemory.Range> places = new HashMap<>();
  private DeviceMemory.Range zeros;
  private int zeroCount;

  /**
   * Parts.
   *
   * @param arena lives until {@code commands} are finished
   */
  DecoderParts(DeviceMemory memory, Commands commands, Arena arena) {
    uploader = new Uploader(memory, commands, arena, new ArrayList<>());
  }

  /** All ranges so far. */
  List<DeviceMemory.Range> kept() {
    return uploader.kept();
  }

  Arena arena() {
    return uploader.arena();
  }

  DeviceMemory.Range copy(MemorySegment segment) {
    return uploader.copy(segment);
  }

  DeviceMatrix matrix(Tensor weight) {
    return new DeviceMatrix(weight, uploader.memory(), uploader.commands(), uploader.kept());
  }

  DeviceEncoder encoder(Encoding encoding) {
    return encoders.computeIfAbsent(encoding, e -> {
      EncoderTable table = new EncoderTable(e);
      return new DeviceEncoder(table, copy(table.order(arena())), copy(table.classes(arena())));
    });
  }

  /** Which channel stands in each place. */
  DeviceMemory.Range places(ChannelOrder order) {
    return places.computeIfAbsent(order, o -> copy(new Places(o).channels(arena())));
  }

  /** At least so many floats of zero. */
  DeviceMemory.Range zeros(int count) {
    if (zeroCount < count) {
      zeros = copy(arena().allocate(4L * count, 4));
      zeroCount = count;
    }
    return zeros;
  }
}

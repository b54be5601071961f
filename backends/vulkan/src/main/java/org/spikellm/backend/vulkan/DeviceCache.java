package org.spikellm.backend.vulkan;

import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.KeyValueEncoding;

/** Keys and values of a decoder's blocks on the device: floats, or counts in bytes or shorts, not packed as a host's are. */
final class DeviceCache implements DecoderSession.Cache {

  /**
   * Those of one block.
   *
   * @param keys [kvHeads, capacity, words of a row]
   * @param values as {@code keys}
   * @param thetas F32 [kvHeads, capacity, 2]; {@code keys} where nothing is encoded
   * @param zeros I32 [kvHeads, capacity, 2]; likewise
   */
  record Rows(DeviceMemory.Range keys, DeviceMemory.Range values, DeviceMemory.Range thetas, DeviceMemory.Range zeros) {}

  /** Stands for this cache where it must not be kept from being forgotten. */
  private final Object token = new Object();
  private final VulkanDecoder decoder;
  private final int capacity;
  private final List<Rows> blocks = new ArrayList<>();
  private final DeviceMemory.Owned belongings;

  DeviceCache(VulkanDecoder decoder, DecoderPlan plan, int capacity, DeviceMemory memory) {
    this.decoder = decoder;
    this.capacity = capacity;
    List<DeviceMemory.Range> kept = new ArrayList<>();
    try {
      for (DecoderPlan.Layer block : plan.blocks()) {
        KeyValueEncoding encoding = block.keyValues();
        DType type = encoding == null ? DType.F32 : encoding.countType();
        long positions = (long) plan.shape().kvHeads() * capacity;
        long bytes = 4 * positions * CachedRows.rowWords(type, plan.shape().headDim());
        DeviceMemory.Range keys = take(memory, bytes, kept);
        DeviceMemory.Range values = take(memory, bytes, kept);
        blocks.add(new Rows(keys, values, encoding == null ? keys : take(memory, 8 * positions, kept),
            encoding == null ? keys : take(memory, 8 * positions, kept)));
      }
    } catch (RuntimeException | Error e) {
      kept.forEach(memory::release);
      throw e;
    }
    belongings = memory.releaseAfter(this, kept);
  }

  private static DeviceMemory.Range take(DeviceMemory memory, long bytes, List<DeviceMemory.Range> kept) {
    DeviceMemory.Range range = memory.allocate(bytes);
    kept.add(range);
    return range;
  }

  Object token() {
    return token;
  }

  /** Its memory. */
  DeviceMemory.Owned belongings() {
    return belongings;
  }

  VulkanDecoder decoder() {
    return decoder;
  }

  Rows block(int index) {
    return blocks.get(index);
  }

  @Override
  public int capacity() {
    return capacity;
  }
}

package org.spikellm.launcher.workflow;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.spikellm.api.DeviceLimits;

/**
 * What a backend's device gave beside its runs.
 *
 * @param own whether the backend measured a device of its own; else it is the machine's cores and memory
 * @param rates those that were measured; reading and floats always are
 * @param measured in a few words, how
 */
public record BenchLimits(boolean own, Map<Rate, Series> rates, String measured) {

  /** What a device does so much of in a second. */
  public enum Rate {
    /** Bytes read from memory. */
    READ_BYTES,
    /** Operations of 32-bit floats; a fused multiply-add counts as two. */
    FLOPS,
    /** Bytes read and bytes written, in copies within the device. */
    COPY_BYTES,
    /** Operations of signed bytes; a multiply-add counts as two. */
    BYTE_OPS;

    /** As {@code --json} names it. */
    public String key() {
      return name().toLowerCase(Locale.ROOT) + "_per_second";
    }

    private OptionalDouble of(DeviceLimits limits) {
      return switch (this) {
        case READ_BYTES -> OptionalDouble.of(limits.readBytes());
        case FLOPS -> OptionalDouble.of(limits.flops());
        case COPY_BYTES -> limits.copyBytes();
        case BYTE_OPS -> limits.byteOps();
      };
    }
  }

  /** Of at least one sample. */
  static BenchLimits of(boolean own, List<DeviceLimits> samples) {
    Map<Rate, Series> rates = new EnumMap<>(Rate.class);
    for (Rate rate : Rate.values()) {
      List<Double> values = samples.stream().map(rate::of).flatMapToDouble(OptionalDouble::stream).boxed().toList();
      if (!values.isEmpty()) {
        rates.put(rate, Series.of(values));
      }
    }
    return new BenchLimits(own, rates, samples.getFirst().measured());
  }

  /** What a prompt is held against: products of bytes where it has nothing else and they were measured, else floats. */
  Rate ofPrompt(boolean integers) {
    return integers && rates.containsKey(Rate.BYTE_OPS) ? Rate.BYTE_OPS : Rate.FLOPS;
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    rates.forEach((rate, series) -> {
      json.put(rate.key(), series.median());
      json.put(rate.key() + "_min", series.min());
      json.put(rate.key() + "_max", series.max());
    });
    json.put("measured", measured);
    return json;
  }
}

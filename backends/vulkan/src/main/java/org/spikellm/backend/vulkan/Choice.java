package org.spikellm.backend.vulkan;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which device is used.
 *
 * @param index of the device among those of the instance, or -1
 * @param reason why there is none, in one line; null where there is one
 */
record Choice(int index, String reason) {

  static final String AUTO = "auto";

  /**
   * The fastest kind of device that can be used, of several the first.
   *
   * @param wanted {@code auto}, an index, or a part of a name in letters of any case
   */
  static Choice of(List<DeviceFacts> devices, String wanted) {
    if (devices.isEmpty()) {
      return new Choice(-1, "the drivers found no device; check that your GPU's driver is loaded, or use backend 'simd'");
    }
    List<Integer> matching = IntStream.range(0, devices.size()).filter(i -> matches(devices.get(i), i, wanted)).boxed().toList();
    if (matching.isEmpty()) {
      return new Choice(-1, "there is no device '" + wanted + "'; there are: " + list(devices));
    }
    return matching.stream().filter(i -> devices.get(i).lack() == null)
        .max((i, j) -> devices.get(i).speed() != devices.get(j).speed() ? devices.get(i).speed() - devices.get(j).speed() : j - i)
        .map(i -> new Choice(i, null))
        .orElseGet(() -> new Choice(-1, "no device can be used: " + matching.stream()
            .map(i -> devices.get(i).name() + " " + devices.get(i).lack()).collect(Collectors.joining("; "))
            + "; use backend 'simd'"));
  }

  private static boolean matches(DeviceFacts device, int index, String wanted) {
    return wanted.equals(AUTO) || wanted.equals(Integer.toString(index))
        || (!wanted.matches("\\d+") && device.name().toLowerCase(Locale.ROOT).contains(wanted.toLowerCase(Locale.ROOT)));
  }

  private static String list(List<DeviceFacts> devices) {
    return IntStream.range(0, devices.size()).mapToObj(i -> i + " (" + devices.get(i).name() + ")")
        .collect(Collectors.joining(", "));
  }
}

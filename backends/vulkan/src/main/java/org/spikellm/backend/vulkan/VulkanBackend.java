package org.spikellm.backend.vulkan;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.lwjgl.vulkan.VK10;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;

/**
 * A GPU, by Vulkan's compute shaders. Options: {@code device} chooses among several, by number or by a part of the name; {@code
 * integer-dot}, {@code subgroups} and {@code shorts} say whether the device's products of four bytes, sums over threads and 16-bit
 * memory are used where it has them, {@code matrices} the same of its products of matrices of bytes, by tiles of all sizes or of
 * one; {@code layers} how many of a model's first blocks run there, the others and the head being the caller's to run elsewhere;
 * {@code tuning} chooses kernels for a {@code gpu} or for a {@code cpu} that acts as one, whichever the device is; {@code
 * validation} makes whatever the validation layers report a failure, which is for tests.
 */
public final class VulkanBackend implements ComputeBackend {

  private static final String DEVICE = "device";
  private static final String MATRICES = "matrices";
  private static final String VALIDATION = "validation";
  private static final String LAYERS = "layers";
  private static final String ALL = "all";
  private static final String TUNING = "tuning";
  private static final String GPU = "gpu";
  private static final Map<String, String> DEFAULTS = defaults();
  private static final List<String> WHERE_POSSIBLE = List.of(Choice.AUTO, "off");

  private final String device;
  private final Set<Feature> features = EnumSet.noneOf(Feature.class);
  private final List<MatrixTile.Size> tileSizes;
  private final boolean validation;
  /** How many of a model's first blocks run on the device. */
  private final int layers;
  private final String tuning;

  public VulkanBackend() {
    this(Map.of());
  }

  private VulkanBackend(Map<String, String> options) {
    device = options.getOrDefault(DEVICE, Choice.AUTO).strip();
    for (Feature feature : Feature.values()) {
      if (oneOf(options, feature.option(), WHERE_POSSIBLE).equals(Choice.AUTO)) {
        features.add(feature);
      }
    }
    tileSizes = MatrixTile.Size.of(options.getOrDefault(MATRICES, Choice.AUTO));
    layers = layers(options.getOrDefault(LAYERS, ALL).strip());
    tuning = oneOf(options, TUNING, List.of(Choice.AUTO, GPU, "cpu"));
    validation = Boolean.parseBoolean(oneOf(options, VALIDATION, List.of("false", "true")));
  }

  private static Map<String, String> defaults() {
    Map<String, String> defaults = new TreeMap<>(Map.of(DEVICE, Choice.AUTO, MATRICES, Choice.AUTO, VALIDATION, "false",
        LAYERS, ALL, TUNING, Choice.AUTO));
    for (Feature feature : Feature.values()) {
      defaults.put(feature.option(), Choice.AUTO);
    }
    return Collections.unmodifiableMap(defaults);
  }

  private static String oneOf(Map<String, String> options, String key, List<String> values) {
    String value = options.getOrDefault(key, DEFAULTS.get(key));
    if (!values.contains(value)) {
      throw new IllegalArgumentException(key + "=" + value + ": expected " + String.join(" or ", values));
    }
    return value;
  }

  private static int layers(String value) {
    try {
      int number = value.equals(ALL) ? Integer.MAX_VALUE : Integer.parseInt(value);
      if (number >= 1) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(LAYERS + "=" + value + ": expected all, or how many of a model's first blocks run on the "
        + "device, 1 or more");
  }

  @Override
  public String id() {
    return "vulkan";
  }

  @Override
  public Map<String, String> options() {
    return DEFAULTS;
  }

  @Override
  public VulkanBackend configure(Map<String, String> options) {
    return new VulkanBackend(options);
  }

  @Override
  public Availability probe() {
    String problem = problem();
    if (problem != null) {
      return new Availability.Unavailable(problem);
    }
    try (Instance instance = new Instance(false)) {
      List<DeviceFacts> devices = instance.devices().stream().map(DeviceFacts::of).toList();
      Choice choice = Choice.of(devices, device);
      if (choice.reason() != null) {
        return new Availability.Unavailable(choice.reason());
      }
      DeviceFacts chosen = devices.get(choice.index());
      return new Availability.Available(chosen.inWords(), chosen.speed());
    } catch (VulkanFailure e) {
      return new Availability.Unavailable(e.result() == VK10.VK_ERROR_INCOMPATIBLE_DRIVER
          ? "there is a Vulkan loader but no driver; install the one of your GPU, or mesa-vulkan-drivers (Debian, Ubuntu, "
              + "Fedora), or use backend 'simd'"
          : e.getMessage() + "; use backend 'simd'");
    } catch (LinkageError | RuntimeException | OutOfMemoryError e) {
      return new Availability.Unavailable("its driver cannot be asked: " + e + "; use backend 'simd'");
    }
  }

  /** What is missing before a driver is asked, or null. */
  private String problem() {
    if (!Shader.inThisBuild()) {
      return "there are no shaders in this build, whose machine has no shaderc; build elsewhere, or use backend 'simd'";
    }
    if (Loader.problem() != null) {
      return Loader.problem();
    }
    return validation && !Instance.canValidate()
        ? "option validation=true needs the layer " + Instance.VALIDATION + "; install vulkan-validationlayers (Debian, Ubuntu)"
        : null;
  }

  @Override
  public Session open(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: expected at least 1, found " + threads);
    }
    if (probe() instanceof Availability.Unavailable unavailable) {
      throw new IllegalStateException("backend 'vulkan' is not available: " + unavailable.reason());
    }
    Device opened = new Device(validation, device, features, tileSizes, call -> VK10.VK_SUCCESS);
    if (!tuning.equals(Choice.AUTO)) {
      opened.tuneForGpu(tuning.equals(GPU));
    }
    return new VulkanSession(opened, threads, new Layers(layers));
  }
}

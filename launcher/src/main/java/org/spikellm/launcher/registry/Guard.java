package org.spikellm.launcher.registry;

import java.io.UncheckedIOException;
import java.util.function.Supplier;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DType;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Tensor;

/**
 * Watches the calls to one plug-in, so that what it throws, and results that cannot be right, name it with its jar.
 *
 * @param kind what it is
 * @param id its id
 * @param origin where it comes from
 * @param context what its code runs in
 */
record Guard(Kind kind, String id, Origin origin, PluginContext context) {

  /** The exponent of a float that is NaN or infinite. */
  private static final int NOT_FINITE = 0x7f800000;

  /** The provider of a listing, watched where it is a plug-in. */
  static Provider over(Listing listing) {
    Origin origin = listing.origin();
    Provider provider = listing.provider();
    return origin.plugin() ? new Guard(listing.kind(), listing.id(), origin,
        new PluginContext(origin, provider.getClass().getClassLoader())).over(provider) : provider;
  }

  /** A provider of the plug-in, watched. */
  Provider over(Provider provider) {
    require(kind.type().isInstance(provider), "expected a " + kind.label() + ", found a " + provider.getClass().getName());
    return switch (provider) {
      case NeuronModel neuron -> new GuardedNeuron(neuron, this);
      case SalienceDetector detector -> new GuardedDetector(detector, this);
      case QuantizationPipeline pipeline -> new GuardedPipeline(pipeline, this);
      case ComputeBackend backend -> new GuardedBackend(backend, this);
    };
  }

  /** What a method of the plug-in returns, which must not be null. */
  <T> T call(String method, Supplier<T> body) {
    T result;
    try {
      result = context.call(body::get);
    } catch (ProviderFailure | OutOfMemoryError e) {
      throw e; // of another plug-in, of the machine
    } catch (UncheckedIOException e) {
      throw isOurs(e) ? e : failure(method + " threw " + Listing.reason(e), e);
    } catch (Throwable e) {
      throw failure(method + " threw " + Listing.reason(e), e);
    }
    if (result == null) {
      throw failure(method + " returned nothing", null);
    }
    return result;
  }

  /** Whether the first code that is not of Java itself is this program, which a plug-in called back: a disk of the user may be full. */
  private static boolean isOurs(UncheckedIOException e) {
    for (StackTraceElement frame : e.getStackTrace()) {
      String module = frame.getModuleName();
      if (module == null || !module.startsWith("java.") && !module.startsWith("jdk.")) {
        return module != null && module.startsWith("org.spikellm.");
      }
    }
    return false;
  }

  /** As {@link #call}, of a method that returns nothing. */
  void run(String method, Runnable body) {
    call(method, () -> {
      body.run();
      return true;
    });
  }

  /** As {@link #call}; an {@link IllegalArgumentException} is the plug-in's way to refuse what a user asked for. */
  <T> T ask(String method, Supplier<T> body) {
    try {
      return call(method, body);
    } catch (ProviderFailure e) {
      if (e.getCause() instanceof IllegalArgumentException refusal && refusal.getMessage() != null) {
        throw refusal;
      }
      throw e;
    }
  }

  void require(boolean holds, String otherwise) {
    if (!holds) {
      throw failure(otherwise, null);
    }
  }

  /** Whether all numbers of a tensor are finite; integers are. */
  static boolean finite(Tensor tensor) {
    if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.F16 && tensor.dtype() != DType.BF16) {
      return true;
    }
    float[] row = new float[tensor.columns()];
    boolean finite = true;
    for (int r = 0; finite && r < tensor.rows(); r++) {
      tensor.readRow(r, row);
      finite = finite(row);
    }
    return finite;
  }

  /** Without a branch in the loop, which is compiled to vectors. */
  private static boolean finite(float[] values) {
    int worst = 0;
    for (float value : values) {
      worst = Math.max(worst, Float.floatToRawIntBits(value) & NOT_FINITE);
    }
    return worst != NOT_FINITE;
  }

  ProviderFailure failure(String what, Throwable cause) {
    return new ProviderFailure(kind.label() + " '" + id + "' of " + origin + ": " + what
        + "; a fault of that plug-in: 'spikellm providers --verify " + id + "' holds it to its contract", cause);
  }
}

package org.spikellm.launcher.registry;

import java.io.UncheckedIOException;
import java.util.function.Supplier;
import org.spikellm.api.ComputeBackend;
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
 */
record Guard(Kind kind, String id, Origin origin) {

  /** The provider of a listing, watched where it is a plug-in. */
  static Provider over(Listing listing, Provider provider) {
    if (!listing.origin().plugin()) {
      return provider;
    }
    Guard guard = new Guard(listing.kind(), listing.id(), listing.origin());
    return switch (provider) {
      case NeuronModel neuron -> new GuardedNeuron(neuron, guard);
      case SalienceDetector detector -> new GuardedDetector(detector, guard);
      case QuantizationPipeline pipeline -> new GuardedPipeline(pipeline, guard);
      case ComputeBackend backend -> new GuardedBackend(backend, guard);
    };
  }

  /** What a method of the plug-in returns, which must not be null. */
  <T> T call(String method, Supplier<T> body) {
    T result;
    try {
      result = body.get();
    } catch (ProviderFailure | UncheckedIOException | OutOfMemoryError e) {
      throw e; // of another plug-in, of a disk, of the machine
    } catch (Throwable e) {
      throw failure(method + " threw " + Listing.reason(e), e);
    }
    require(result != null, method + " returned nothing");
    return result;
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

  /** Whether all numbers of an F32, F16 or BF16 tensor are finite. */
  static boolean finite(Tensor tensor) {
    float[] row = new float[tensor.columns()];
    for (int r = 0; r < tensor.rows(); r++) {
      tensor.readRow(r, row);
      for (float value : row) {
        if (!Float.isFinite(value)) {
          return false;
        }
      }
    }
    return true;
  }

  ProviderFailure failure(String what, Throwable cause) {
    return new ProviderFailure(kind.label() + " '" + id + "' of " + origin + ": " + what
        + "; a fault of that plug-in: 'spikellm providers "
        + "--verify " + id + "' holds it to its contract", cause);
  }
}

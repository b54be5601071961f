package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;
import org.spikellm.model.NeuronLookup;
import org.spikellm.model.Safetensors;

/** Golden data of an independent implementation (src/test/resources/golden), and the models it speaks of. */
final class Golden {

  static final Path DIRECTORY = Path.of("src/test/resources/golden");
  static final Path TINY = DIRECTORY.resolve("tiny/model");
  static final Path TALES = Path.of("src/main/models/tales-3m");
  private static final String DATA = "spikellm.data";

  private Golden() {}

  static Safetensors tensors(String name) {
    try {
      return Safetensors.open(DIRECTORY.resolve(name), Arena.ofAuto());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Map<String, Object> json(String name) {
    try {
      return Json.readObject(DIRECTORY.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A model that may not be committed: found where the system property says, else the test is skipped. */
  static Path model(String name) {
    if (name.equals("tales-3m")) {
      return TALES;
    }
    String data = System.getProperty(DATA);
    assumeTrue(data != null, "set -D" + DATA + "=DIRECTORY to a directory that holds models/" + name);
    Path model = Path.of(data, "models", name);
    assumeTrue(Files.isDirectory(model), model + " is not there");
    return model;
  }

  static Registry registry() {
    try {
      return new Registry(List.of(), Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Session session() {
    return session("auto");
  }

  /**
   * A session for tests that train, always the same backend: where another one's sums end in another last bit, a value that lies
   * halfway between two levels may go to the other one, and training goes on from there, as right but not the same. It is on one
   * thread: the models are so small that two would mostly wait for each other.
   */
  static Session trainingSession() {
    return session("simd", 1);
  }

  static Session session(String backend) {
    return session(backend, 2);
  }

  static Session session(String backend, int threads) {
    try {
      if (!backend.equals("auto") && registry().find(ComputeBackend.class, backend).probe() instanceof Availability.Unavailable(String reason)) {
        if (List.of(System.getProperty("tck.require", "").split(",")).contains(backend)) {
          return Assertions.fail("backend '" + backend + "' is not available: " + reason + " (tck.require names it)");
        }
        return Assumptions.abort("backend '" + backend + "' is not available: " + reason);
      }
      return registry().backend(backend).open(threads);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static NeuronLookup neurons() {
    Registry registry = registry();
    return (id, options) -> {
      try {
        return registry.find(NeuronModel.class, id, options);
      } catch (IOException e) {
        throw new CheckpointException(e.getMessage(), e);
      }
    };
  }

  static int[] ids(Tensor row) {
    int[] ids = new int[row.columns()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) row.getFloat(0, i);
    }
    return ids;
  }

  static List<int[]> windows(Tensor rows) {
    List<int[]> windows = new ArrayList<>();
    for (int r = 0; r < rows.rows(); r++) {
      windows.add(ids(rows.rows(r, r + 1)));
    }
    return windows;
  }
}

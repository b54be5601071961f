package org.spikellm.tck;

import static org.spikellm.tck.BackendTrial.broken;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.spikellm.api.Availability;
import org.spikellm.api.Provider;

/** The rules for providers, and for a backend's probe, bite. */
class ProviderFaultsTest {

  public static final class Shouts extends NaiveBackend {
    @Override
    public String id() {
      return "Naive Backend";
    }
  }

  public static final class Lends extends NaiveBackend {
    private final Map<String, String> options = new HashMap<>(Map.of("tile", "8"));

    @Override
    public Map<String, String> options() {
      return options;
    }
  }

  public static final class Renames extends NaiveBackend {
    @Override
    public Provider configure(Map<String, String> options) {
      return SoftResetNeuron.WHOLE;
    }
  }

  public static final class Mutters extends NaiveBackend {
    @Override
    public Map<String, String> options() {
      return Map.of("tile", "8");
    }

    @Override
    public Provider configure(Map<String, String> options) {
      Integer.parseInt(options.getOrDefault("tile", "8")); // its message names the value, not the key
      return this;
    }
  }

  public static final class Hides extends NaiveBackend {
    private Hides() {}
  }

  public static final class Throws extends NaiveBackend {
    @Override
    public Availability probe() {
      throw new IllegalStateException("no driver");
    }
  }

  public static final class Overrates extends NaiveBackend {
    @Override
    public Availability probe() {
      return new Availability.Available(" ", 0);
    }
  }

  @TestFactory
  Stream<DynamicTest> faults() {
    return Stream.of(broken("an id with blanks", new Shouts(), "P.1"), broken("its own map of options", new Lends(), "P.2"),
        broken("configures another provider", new Renames(), "P.3"), broken("a refusal without the key", new Mutters(), "P.4"),
        broken("no public constructor", new Hides(), "P.5"), broken("a probe that throws", new Throws(), "B.1"),
        broken("a device without a name", new Overrates(), "B.1"));
  }
}

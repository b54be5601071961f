package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.spikellm.api.Provider;

/** Rules P.1 to P.5, which hold for every kind of provider. */
final class ProviderRules {

  /** A value that no option with a type takes; free text may. */
  private static final String NONSENSE = "no such value";

  private ProviderRules() {}

  static void id(Provider provider) {
    String id = provider.id();
    assertNotNull(id, "id");
    assertTrue(id.matches("[a-z0-9-]+"), () -> "id '" + id + "': expected lower-case ASCII letters, digits and hyphens");
    assertEquals(id, provider.id(), "id, asked twice");
  }

  /** Somebody who holds the map of options cannot change the provider through it. */
  static void options(Provider provider) {
    Map<String, String> options = provider.options();
    assertNotNull(options, "options");
    options.forEach((key, value) -> assertNotNull(value, () -> "default of option '" + key + "'"));
    Map<String, String> before = new TreeMap<>(options);
    try {
      options.put("tck", "x");
    } catch (UnsupportedOperationException e) {
      return; // as it should be
    }
    assertEquals(before, provider.options(), "options after somebody put one more into the map");
  }

  static void configure(Class<? extends Provider> kind, Provider provider) {
    Map<String, String> options = new TreeMap<>(provider.options());
    for (Map<String, String> values : List.of(Map.<String, String>of(), options)) {
      Provider configured = provider.configure(values);
      assertNotNull(configured, () -> "configure(" + values + ")");
      assertTrue(kind.isInstance(configured), () -> "configure(" + values + "): expected a " + kind.getSimpleName() + ", found "
          + configured.getClass().getName());
      assertEquals(provider.id(), configured.id(), () -> "id after configure(" + values + ")");
      assertEquals(options.keySet(), configured.options().keySet(), () -> "options after configure(" + values + ")");
    }
    assertEquals(options, new TreeMap<>(provider.options()), "options of the provider that configure was called on");
  }

  static void refusal(Provider provider) {
    for (String key : provider.options().keySet()) {
      try {
        provider.configure(Map.of(key, NONSENSE));
      } catch (IllegalArgumentException e) {
        String message = String.valueOf(e.getMessage());
        assertTrue(message.contains(key) && message.contains(NONSENSE) && message.contains("expected"),
            () -> "configure(" + key + "=" + NONSENSE + "): expected a message with key, value and what is expected, found: "
                + message);
      } catch (RuntimeException e) {
        fail("configure(" + key + "=" + NONSENSE + "): expected an IllegalArgumentException, found " + e, e);
      }
    }
  }

  static void constructor(Provider provider) {
    Class<?> type = provider.getClass();
    assertTrue(Modifier.isPublic(type.getModifiers()), () -> type.getName() + " is not public: it cannot be a service");
    try {
      assertTrue(Modifier.isPublic(type.getDeclaredConstructor().getModifiers()),
          () -> type.getName() + ": its constructor without parameters is not public");
    } catch (NoSuchMethodException e) {
      fail(type.getName() + " has no constructor without parameters", e);
    }
  }
}

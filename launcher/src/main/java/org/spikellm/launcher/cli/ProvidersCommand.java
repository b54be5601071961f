package org.spikellm.launcher.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.launcher.registry.Kind;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Probe;
import org.spikellm.launcher.registry.Registry;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists what there is to choose from. */
@Command(name = "providers", description = "List backends, neurons, detectors and pipelines, and why one is unavailable.")
final class ProvidersCommand implements Callable<Integer> {

  @Mixin
  private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    Registry registry = common.registry();
    Map<String, Object> result = new LinkedHashMap<>();
    for (Kind kind : Kind.values()) {
      result.put(kind.label() + "s", describe(registry.list(kind)));
    }
    List<Map<String, Object>> unknown = describe(registry.list(null));
    if (!unknown.isEmpty()) {
      result.put("unknown", unknown);
    }
    if (common.json) {
      common.printJson(result);
    } else {
      print(result);
    }
    return 0;
  }

  private static List<Map<String, Object>> describe(List<Listing> listings) {
    List<Map<String, Object>> list = new ArrayList<>();
    listings.forEach(listing -> list.add(describe(listing)));
    return list;
  }

  private static Map<String, Object> describe(Listing listing) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("id", listing.id());
    map.put("available", listing.state() == Listing.State.LOADED);
    map.put("state", switch (listing.state()) {
      case LOADED -> "available";
      case FAILED -> "failed";
      case SET_ASIDE -> "set aside";
    });
    map.put("reason", listing.reason());
    if (listing.state() == Listing.State.LOADED && listing.provider() instanceof ComputeBackend backend) {
      switch (Probe.of(backend)) {
        case Availability.Available(String device, int speed) -> map.put("device", device);
        case Availability.Unavailable(String reason) -> {
          map.put("available", false);
          map.put("state", "unavailable");
          map.put("reason", reason);
        }
      }
    }
    map.put("options", listing.provider() == null ? Map.of() : new TreeMap<>(listing.provider().options()));
    map.put("version", listing.origin().version());
    map.put("from", listing.origin().way().label());
    map.put("jar", listing.origin().jar() == null ? null : listing.origin().jar().toString());
    map.put("origin", listing.origin().toString());
    return map;
  }

  private void print(Map<String, Object> result) {
    Table table = new Table().row("kind", "id", "version", "state", "way", "from", "options");
    result.forEach((kind, list) -> {
      for (Object element : (List<?>) list) {
        Map<?, ?> map = (Map<?, ?>) element;
        String state = Boolean.TRUE.equals(map.get("available"))
            ? map.get("device") == null ? "available" : String.valueOf(map.get("device")) : map.get("state") + ": " + map.get("reason");
        Map<?, ?> options = (Map<?, ?>) map.get("options");
        table.row(kind, String.valueOf(map.get("id")), map.get("version") == null ? "" : map.get("version").toString(), state,
            String.valueOf(map.get("from")), String.valueOf(map.get("origin")), options.isEmpty() ? "" : options.toString());
      }
    });
    table.leftAligned().print(common.out);
  }
}

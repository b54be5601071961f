package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.launcher.registry.Kind;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Probe;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.Contract;
import org.spikellm.launcher.workflow.ProjectTemplate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists what there is to choose from. */
@Command(name = "providers", description = "List backends, neurons, detectors and pipelines, and why one is unavailable.")
final class ProvidersCommand implements Callable<Integer> {

  /** Of what a failed rule says; the rest is in --json. */
  private static final int SAID_LINES = 3;

  @Mixin
  private CommonOptions common;

  @Option(names = "--template", arity = "2", paramLabel = "neuron|salience|pipeline|backend DIR", hideParamSyntax = true,
      description = "Write a small Maven project with a provider of that kind, to change, into a new directory.")
  private List<String> template;

  @Option(names = "--verify", paramLabel = "ID",
      description = "Hold the provider of that id to the contract of its kind, rule by rule; the exit status is 1 when one "
          + "fails.")
  private String verified;

  @Override
  public Integer call() throws IOException {
    if (verified != null) {
      return verify();
    }
    if (template != null) {
      return writeTemplate();
    }
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

  private int verify() throws IOException {
    Registry registry = common.registry();
    List<Listing> found = Stream.of(Kind.values()).flatMap(kind -> registry.list(kind).stream())
        .filter(listing -> listing.state() == Listing.State.LOADED && listing.id().equals(verified)).toList();
    if (found.isEmpty()) {
      throw common.wrong("--verify: there is no provider '" + verified + "'; 'spikellm providers' lists them");
    }
    ComputeBackend backend = registry.backend(common.backend.equals("auto") ? "reference" : common.backend);
    List<Map<String, Object>> results = new ArrayList<>();
    boolean kept = true;
    for (Listing listing : found) {
      List<Contract.Rule> rules = Contract.verify(listing.provider(), backend::open);
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("id", listing.id());
      result.put("kind", listing.kind().label());
      result.put("origin", listing.origin().toString());
      for (String verdict : List.of("passed", "failed", "skipped")) {
        result.put(verdict, rules.stream().filter(rule -> rule.verdict().equals(verdict)).count());
      }
      result.put("rules", rules.stream().map(rule -> Map.of("rule", rule.name(), "verdict", rule.verdict(), "reason",
          rule.said())).toList());
      results.add(result);
      kept &= (long) result.get("failed") == 0 && (long) result.get("passed") > 0;
      if (!common.json) {
        print(rules, result);
      }
    }
    if (common.json) {
      common.printJson(results.size() == 1 ? results.getFirst() : Map.of("providers", results));
    }
    return kept ? 0 : 1;
  }

  private void print(List<Contract.Rule> rules, Map<String, Object> result) {
    for (Contract.Rule rule : rules) {
      common.out.printf("%-8s%s%n", rule.verdict(), rule.name());
      rule.said().lines().limit(SAID_LINES).forEach(line -> common.out.println("          " + line));
    }
    common.out.println(result.get("kind") + " '" + result.get("id") + "' of " + result.get("origin") + ": " + result.get("passed")
        + " rules passed, " + result.get("failed") + " failed, " + result.get("skipped") + " skipped");
  }

  private int writeTemplate() throws IOException {
    if (template.size() != 2) {
      throw common.wrong("--template: expected one kind and one directory, found " + template);
    }
    ProjectTemplate project = ProjectTemplate.named(template.getFirst()).orElseThrow(() -> common.wrong(
        "--template: expected neuron, salience, pipeline or backend, found '" + template.getFirst() + "'"));
    Path directory = Path.of(template.getLast());
    Path source = project.write(directory);
    if (common.json) {
      common.printJson(Map.of("template", project.label(), "directory", directory.toString(), "source", source.toString()));
    } else {
      common.out.println(directory + ": a Maven project; the formula is in " + source + ", what to do in "
          + directory.resolve("README.md"));
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
    if (listing.state() == Listing.State.LOADED && listing.kind() == Kind.BACKEND) {
      switch (Probe.of(listing)) {
        case Availability.Available(String device, int speed) -> map.put("device", device);
        case Availability.Unavailable(String reason) -> {
          map.put("available", false);
          map.put("state", "unavailable");
          map.put("reason", reason);
        }
      }
    }
    map.put("options", new TreeMap<>(listing.options()));
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
            ? map.get("device") == null ? "available" : String.valueOf(map.get("device")) : map.get("state") + ": "
            + map.get("reason");
        Map<?, ?> options = (Map<?, ?>) map.get("options");
        table.row(kind, String.valueOf(map.get("id")), map.get("version") == null ? "" : map.get("version").toString(), state,
            String.valueOf(map.get("from")), String.valueOf(map.get("origin")), options.isEmpty() ? "" : options.toString());
      }
    });
    table.leftAligned().print(common.out);
  }
}

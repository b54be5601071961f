package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleFinder;
import java.lang.module.ResolutionException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import org.spikellm.api.Provider;
import org.spikellm.api.Session;
import org.spikellm.model.CheckpointException;

/**
 * The contract of a kind of provider. It and JUnit lie in a directory that no start looks at, and become a layer of modules when
 * they are asked for; hence the one call by name.
 */
public final class Contract {

  private static final String MODULE = "org.spikellm.tck";
  private static final String CLASS = MODULE + ".Verification";
  /** The engine is a service that nobody requires. */
  private static final Set<String> ROOTS = Set.of(MODULE, "org.junit.platform.launcher", "org.junit.jupiter.engine");

  private Contract() {}

  /**
   * What became of a rule.
   *
   * @param name its number and what it says
   * @param verdict {@code passed}, {@code failed} or {@code skipped}
   * @param said why it failed or was skipped, else empty
   */
  public record Rule(String name, String verdict, String said) {}

  /**
   * Holds a provider to its contract.
   *
   * @param sessions opens a session of a backend that passes its own contract, for so many threads
   */
  public static List<Rule> verify(Provider provider, IntFunction<Session> sessions) throws IOException {
    Path directory = Home.contracts();
    ModuleLayer boot = Contract.class.getModule().getLayer();
    if (boot == null) {
      throw new CheckpointException("--verify needs the program to run from the module path; start it with the script spikellm");
    }
    try {
      Configuration all = boot.configuration().resolve(ModuleFinder.of(directory), ModuleFinder.of(), ROOTS);
      ModuleLayer layer = boot.defineModulesWithOneLoader(all, Contract.class.getClassLoader());
      Object rules = Class.forName(layer.findModule(MODULE).orElseThrow(), CLASS)
          .getMethod("run", Provider.class, IntFunction.class)
          .invoke(null, provider, sessions);
      return ((List<?>) rules).stream().map(rule -> (List<?>) rule)
          .map(rule -> new Rule(rule.get(0).toString(), rule.get(1).toString(), rule.get(2).toString())).toList();
    } catch (FindException | ResolutionException | NoSuchMethodException | IllegalAccessException e) {
      throw new CheckpointException(directory + ": the contracts of providers cannot be loaded: " + e.getMessage()
          + "; build or unpack "
          + "the program again", e);
    } catch (InvocationTargetException e) {
      throw new IllegalStateException("the contract could not be run: " + e.getCause(), e.getCause());
    }
  }
}

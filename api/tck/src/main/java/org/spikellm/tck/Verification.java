package org.spikellm.tck;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherConstants;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;

/**
 * Runs the contract of a provider outside of a test: for {@code spikellm providers --verify}. It needs JUnit's platform launcher
 * and the Jupiter engine, which whoever only extends a contract does not.
 */
public final class Verification {

  /** What the contract that JUnit makes an instance of is about. */
  static final ScopedValue<Subject> SUBJECT = ScopedValue.newInstance();

  /**
   * What is verified.
   *
   * @param provider under test
   * @param sessions opens a session of a backend that passes its contract, for so many threads
   */
  record Subject(Provider provider, IntFunction<Session> sessions) {}

  private Verification() {}

  /**
   * Holds a provider to the contract of its kind.
   *
   * @param provider with its default options
   * @param sessions opens a session of a backend that passes its contract, for so many threads
   * @return a list of (number and name of a rule, {@code passed}, {@code failed} or {@code skipped}, what was said) in the order
   *     of the numbers. Types of the JDK alone: the caller need not be compiled with this module
   */
  public static List<List<String>> run(Provider provider, IntFunction<Session> sessions) {
    Class<?> contract = switch (provider) {
      case ComputeBackend backend -> VerifiedBackend.class;
      case NeuronModel neuron -> VerifiedNeuron.class;
      case SalienceDetector detector -> VerifiedDetector.class;
      case QuantizationPipeline pipeline -> VerifiedPipeline.class;
    };
    List<List<String>> rules = new ArrayList<>();
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    // Where JUnit looks for its engine.
    thread.setContextClassLoader(Verification.class.getClassLoader());
    try {
      ScopedValue.where(SUBJECT, new Subject(provider, sessions)).run(() -> execute(contract, rules));
    } finally {
      thread.setContextClassLoader(before);
    }
    rules.sort((a, b) -> compare(a.getFirst(), b.getFirst()));
    return rules;
  }

  private static void execute(Class<?> contract, List<List<String>> rules) {
    LauncherConfig config = LauncherConfig.builder().enableLauncherSessionListenerAutoRegistration(false)
        .enableLauncherDiscoveryListenerAutoRegistration(false)
        .enablePostDiscoveryFilterAutoRegistration(false).enableTestExecutionListenerAutoRegistration(false).build();
    LauncherFactory.create(config).execute(LauncherDiscoveryRequestBuilder.request()
        .selectors(DiscoverySelectors.selectClass(contract))
        .configurationParameter(LauncherConstants.CAPTURE_STDOUT_PROPERTY_NAME, "false")
        .configurationParameter("junit.jupiter.execution.parallel.enabled", "false").build(), new TestExecutionListener() {
          @Override
          public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            Optional<Throwable> thrown = result.getThrowable();
            if (test.isTest() || thrown.isPresent()) {
              String name = test.isTest() ? test.getDisplayName() : "the contract as a whole";
              String verdict = switch (result.getStatus()) {
                case SUCCESSFUL -> "passed";
                case ABORTED -> "skipped";
                case FAILED -> "failed";
              };
              rules.add(List.of(name, verdict, thrown.map(Verification::said).orElse("")));
            }
          }
        });
  }

  private static String said(Throwable thrown) {
    String message = thrown.getMessage() == null ? "" : thrown.getMessage().strip();
    return thrown instanceof AssertionError || thrown.getClass().getName().startsWith("org.opentest4j") ? message
        : thrown.getClass().getSimpleName() + ": " + message;
  }

  /** B.9 before B.10. */
  private static int compare(String a, String b) {
    int byLetter = Character.compare(a.charAt(0), b.charAt(0));
    return byLetter != 0 ? byLetter : Integer.compare(number(a), number(b));
  }

  private static int number(String rule) {
    String digits = rule.replaceFirst("^\\w\\.(\\d+).*", "$1");
    return digits.equals(rule) ? 0 : Integer.parseInt(digits);
  }
}

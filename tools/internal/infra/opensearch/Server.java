import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/** Runs one node below a folder with the settings that stand there: the runner's own command line has no say over the ports. */
public class Server {
    public static void main(String[] args) throws Exception {
        String folder = args[0], http = args[1], transport = args[2];
        OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> settings.put("http.port", http).put("transport.port", transport));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                runner.close();
            } catch (IOException e) {
                e.printStackTrace();
            }
        }));
        runner.build(OpenSearchRunner.newConfigs().basePath(folder).numOfNode(1).clusterName("sidecart").useLogger().printOnFailure());
        new CountDownLatch(1).await();
    }
}

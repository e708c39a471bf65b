"""Every verb of %kpod and %%kube and every method of pods, in a context that is not the current one: their `.command`.

Commands that only read are run in a terminal whose kubeconfig is another; of the others only the syntax is
checked.
"""

from operator import attrgetter

import nbcontainer as nbc
from nbcontainer.api.cluster import Cluster
from nbcontainer.magics.catalogue import verbs_of
from nbcontainer.protection import is_marked
from tests.clusters.test_creation import make_certificate
from tests.printed_commands import further_methods, is_understood, path_of, results_of
from tests.terminal import Terminal

VERBS = [verb for name in ("kpod", "kube") for verb in verbs_of(name).magic.verbs]
YAML = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: said}\n"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: made}
spec:
  replicas: 0
  selector: {matchLabels: {app: made}}
  template:
    metadata: {labels: {app: made}}
    spec: {containers: [{name: made, image: busybox}]}
"""
# each verb's line and cell body, in an order in which all succeed
LINES = {
    "%kpod create": ("made --image=busybox --env 'A=two words' -- sleep 600", None),
    "%kpod get": ("-l run=made -A --sort-by=.metadata.name -L run --show-labels", None),
    "%kube context": ("", None),
    "%kube namespace": ("", None),
    "%kube get": ("deploy,cm -A", None),
    "%kpod describe": ("made", None),
    "%kube describe": ("pod/made", None),
    "%kube wait": ("pod/made --for=jsonpath={.status.phase}=Running", None),
    "%kube events": ("pod/made --types=Normal", None),
    "%kube explain": ("pod.spec --recursive", None),
    "%kube api-resources": ("--api-group=apps --namespaced=true", None),
    "%kube auth can-i": ("get pod/made", None),
    "%kube auth whoami": ("", None),
    "%kube tree": ("pod/made", None),
    "%kpod why": ("made", None),
    "%kube why": ("pod/made", None),
    "%kpod timeline": ("made", None),
    "%kube timeline": ("pod/made", None),
    "%kpod logs": ("made --tail 1 --timestamps", None),
    "%kube logs": ("-l run=made --tail 1 --prefix", None),
    "%kpod exec": ("made -- sh -c 'echo two  words'", None),
    "%kpod events": ("made", None),
    "%kube cp": ("/etc/hostname made:/tmp", None),
    "%kube exec": ("pod/made -- true", None),
    "%kube port-forward": ("made :8080 --address localhost", None),
    "%kube apply": ("--dry-run=server", YAML),
    "%kube delete": ("cm/kube-root-ca.crt -y", None),  # the cluster makes it again
    "%kube diff": ("", YAML),
    "%kube label": ("pod/made checked=yes", None),
    "%kube annotate": ("pod made 'said=two words'", None),
    "%kube patch": ('pod made -p \'{"metadata": {"labels": {"patched": "yes"}}}\'', None),
    "%kube edit": ("pod/made", None),
    "%kpod top": ("made --containers", None),
    "%kube top pods": ("-A --sort-by=cpu --sum", None),
    "%kube top nodes": ("--show-capacity", None),
    "%kube cordon": ("nbc-node --dry-run=server", None),
    "%kube drain": ("simulated-9 --pod-selector=nbc=none -y", None),
    "%kube uncordon": ("simulated-9", None),
    "%kube scale": ("deploy/made --replicas=0", None),
    "%kube set image": ("deploy/made made=busybox:1 --dry-run=server", None),
    "%kube set env": ("deploy/made 'A=two words' --dry-run=server", None),
    "%kube set resources": ("deploy/made --limits=cpu=1 --dry-run=server", None),
    "%kube rollout status": ("deploy/made", None),
    "%kube rollout history": ("deploy/made", None),
    "%kube rollout pause": ("deploy/made", None),
    "%kube rollout resume": ("deploy/made", None),
    "%kube rollout restart": ("deploy/made", None),
    "%kube rollout undo": ("deploy/made", None),
    "%kube debug": ("web -c spy --target=main -- ps", None),
    "%kpod debug": ("web -c spy --target=main -- ps", None),
    "%kube create deployment": ("madly --image=busybox --port=80 --dry-run=client -- sleep '1 2'", None),
    "%kube create job": ("madly --image=busybox --dry-run=server -- sleep 1", None),
    "%kube create cronjob": ("madly --image=busybox --schedule='0 0 * * *' --dry-run=client", None),
    "%kube create namespace": ("madly --dry-run=client -o yaml", None),
    "%kube create serviceaccount": ("madly", None),
    "%kube create configmap": ("madly --from-literal='a=b c'", None),
    "%kube create secret generic": ("madly --from-file=key=web.key", None),
    "%kube create secret docker-registry": ("madly-too --docker-username=a --password-from=env:HOME", None),
    "%kube create secret tls": ("madly-tls --cert=web.crt --key=web.key", None),
    "%kube create service clusterip": ("madly --tcp=80:8080", None),
    "%kube create service nodeport": ("madly-2 --tcp=80 --dry-run=server", None),
    "%kube create service loadbalancer": ("madly-3 --tcp=80 --dry-run=server", None),
    "%kube create service externalname": ("madly-4 --external-name=x.y --dry-run=server", None),
    "%kube run": (
        "madly-run --image=busybox --env='A=b c' --port=80 --expose --labels=a=b --no-wait -- sleep '1 2'",
        None,
    ),
    "%kube expose": ("deploy/made --port=80 --type=NodePort", None),
    "%kube autoscale": ("deploy/made --max=3 --cpu=70%", None),
    "%kube create quota": ("madly --hard=pods=1000", None),
    "%kube create role": ("role-made --verb=get --resource=pods", None),
    "%kube create clusterrole": ("madly --verb=get --resource=nodes --dry-run=server", None),
    "%kube create rolebinding": ("binding-made --clusterrole=view --user=a", None),
    "%kube create clusterrolebinding": ("madly --clusterrole=view --user=a --dry-run=server", None),
    "%kube create ingress": ("ingress-made --default-backend=web:80", None),
    "%kube create poddisruptionbudget": ("budget-made --selector=app=none --min-available=1", None),
    "%kube create priorityclass": ("madly --value=1 --dry-run=server", None),
    "%kpod delete": ("made --force -y", None),
}
METHODS = {"pods.get": ("web",), "pods.watch": (), "pods.manifests": (), "contexts.list": (), "namespaces.list": ()}
METHODS |= {"top.watch_pods": (), "top.watch_nodes": ()}


def test_every_verb_s_command_is_understood_there(two_contexts, monkeypatch, tmp_path):
    assert {verb.title for verb in VERBS} == LINES.keys(), "say in LINES how the verb is called"
    assert further_methods(Cluster, VERBS) == METHODS.keys()
    monkeypatch.setenv("KUBECONFIG", str(two_contexts.file))
    monkeypatch.chdir(tmp_path)
    make_certificate(tmp_path)
    terminal = Terminal(tmp_path).with_kubectl()
    verbs = {verb.title: verb for verb in VERBS}
    nbc.cluster("prod", two_contexts.namespace).apply(DEPLOYMENT)
    for title, (line, cell) in LINES.items():
        verb = verbs[title]
        method = attrgetter(verb.calls or verb.same_as)(Cluster())
        for result in results_of(verb, f"{verb.path} --context=prod -n {two_contexts.namespace} {line}", cell):
            is_understood(terminal, result.command, path_of(verb))
            if not is_marked(method):
                ended = terminal.try_(result.command, cell or "")
                if not (title == "%kube diff" and "+  name: said" in ended.stdout):
                    assert ended.returncode == 0 or "etrics" in ended.stderr, (
                        ended
                    )  # a pod is measured after some seconds
    pods = nbc.cluster("prod", two_contexts.namespace).pods
    assert "kind: List" in terminal.run(pods.manifests(sort_by=".metadata.name").command)
    assert "web" in terminal.run(pods.get("web").command)
    assert "web" in terminal.run(pods.watch(duration=1).result(30).command)

"""The declarations of `%kube create`."""

from __future__ import annotations

from dataclasses import replace

from nbcontainer.verbs.arguments import Argument, option, positional, refused, switch
from nbcontainer.verbs.grammar import Verb
from nbcontainer.verbs.shared import ACTIONS, CLUSTER, NAMESPACE

IMAGE = option("--image", help="the container's image", completes="image", required=True)
COMMAND = positional(
    "ARGUMENT", help="after --: what to run instead of the image's command", kind="rest", required=False, to="command"
)
COMMON = (
    option("--dry-run", help="only show what would be created", choices=("client", "server"), default=""),
    option("-o", "--output", help="the manifest in place of the change", choices=("yaml",), default=""),
    NAMESPACE,
    CLUSTER,
)


PORTS = option("--tcp", help="a port, or PORT:TARGET with the pods' port", kind="list", required=True, to="ports")
TCP = option("--tcp", help="a port, or PORT:TARGET with the pods' port", kind="list", to="ports")
FILES = (
    option(
        "--from-file",
        help="FILE or KEY=FILE, or a folder of files",
        kind="list",
        completes="path",
        to="files",
    ),
    option("--from-env-file", help="a file of lines KEY=VALUE", kind="list", completes="path", to="env_files"),
)


RULES = (
    option(
        "--verb",
        help="what may be done: get,list,watch,create,update,patch,delete; * for all",
        kind="list",
        required=True,
        to="verbs",
        suggests=ACTIONS,
    ),
    option(
        "--resource",
        help="with which kinds: pods,deployments.apps,pods/log",
        kind="list",
        required=True,
        to="resources",
        completes="kind",
    ),
    option("--resource-name", help="with this object alone", kind="list", to="resource_names"),
)
SUBJECTS = (
    option("--user", help="a user who has it", kind="list", to="users"),
    option("--group", help="a group who has it", kind="list", to="groups"),
    option(
        "--serviceaccount", help="NAMESPACE:NAME of a ServiceAccount that has it", kind="list", to="serviceaccounts"
    ),
)


def _create(kind: str, summary: str, example: str, *arguments: Argument, calls: str = "", secret: bool = False) -> Verb:
    return Verb(
        f"create {kind}",
        summary,
        (positional("NAME", help="its name"), *arguments, *COMMON),
        example=f"%kube create {kind} {example}",
        command=("kubectl", "create", *kind.split()),
        secret=secret,
        calls="" if secret else f"create.{calls or kind}",
        same_as=f"create.{calls}" if secret else "",
    )


SECRET = _create(
    "secret generic",
    "Creates a Secret. You are asked for a value in a hidden field where only its key is given.",
    "database --from-literal=password",
    option(
        "--from-literal",
        help="KEY, whose value you are asked for, or KEY={{name}}",
        kind="list",
        metavar="KEY",
        hidden=True,
        to="literals",
    ),
    *FILES,
    option("--type", help="its type (default: Opaque)", default=""),
    calls="secret",
    secret=True,
)

REGISTRY_SECRET = _create(
    "secret docker-registry",
    "Creates a Secret by which pods pull images. You are asked for the password in a hidden field.",
    "registry --docker-server=registry.example.com --docker-username=alice",
    option("--docker-server", help="the registry (default: Docker Hub)", default="", to="server"),
    option("--docker-username", help="the user's name there", required=True, to="username"),
    option("--docker-email", help="the user's address", default="", to="email"),
    option(
        "--password-from",
        help="where the password is: a Python variable, or env:NAME; otherwise you are asked for it",
        metavar="NAME",
        own=True,
        completes="variable",
        control=True,
    ),
    refused(
        "--docker-password",
        help="it would be kept in the cell and its history",
        cure="Leave it out: you are asked for it in a hidden field, or --password-from takes a variable or env:NAME.",
    ),
    calls="registry_secret",
    secret=True,
)


OBJECT = (
    positional("KIND", help="a kind (deploy), or KIND/NAME", completes="kind"),
    positional("NAME", help="its name, unless KIND has it", required=False, completes="object"),
)

VERBS = (
    Verb(
        "expose",
        "Creates a Service for the pods of a workload, of a Service, or for one pod.",
        (
            *OBJECT,
            option("--port", help="the Service's port (default: those that the containers declare)", kind="port"),
            option("--target-port", help="the pods' port, by number or name", default=""),
            option("--protocol", help="the protocol", choices=("TCP", "UDP", "SCTP"), default=""),
            option("--name", help="the Service's name (default: that of what it exposes)", default="", to="service"),
            option("--type", help="its type", choices=("ClusterIP", "NodePort", "LoadBalancer"), default=""),
            option("--cluster-ip", help="its address; None for a headless Service", default=""),
            option("--selector", help="the pods' labels, in place of the workload's", kind="pairs"),
            option(
                "-l",
                "--labels",
                help="the Service's own labels, in place of the workload's",
                metavar="KEY=VALUE,…",
                kind="pairs",
            ),
            *COMMON,
        ),
        example="%kube expose deploy/web --port=80 --target-port=8080",
        command=("kubectl", "expose"),
        calls="expose",
    ),
    Verb(
        "autoscale",
        "Creates an autoscaler, which changes how many pods a workload has by what these use.",
        (
            *OBJECT,
            option("--max", help="how many pods at most", kind="number", required=True, to="most"),
            option("--min", help="how many pods at least (default: 1)", kind="number", to="least"),
            option("--cpu", help="what pods are to use on average: 70% of their requests, or 500m", default=""),
            option("--memory", help="what pods are to use on average: 70% of their requests, or 200Mi", default=""),
            option("--name", help="the autoscaler's name (default: the workload's)", default="", to="autoscaler"),
            *COMMON,
        ),
        example="%kube autoscale deploy/web --min=2 --max=5 --cpu=70%",
        command=("kubectl", "autoscale"),
        calls="autoscale",
    ),
    _create(
        "deployment",
        "Creates a Deployment with a container for each image.",
        "web --image=127.0.0.1:5000/team/web:1 --replicas=2",
        COMMAND,
        option(
            "--image",
            help="a container's image",
            kind="list",
            completes="image",
            required=True,
            to="images",
        ),
        option("-r", "--replicas", help="how many pods", kind="number", default=1),
        option("--port", help="a port of the first container", kind="port"),
    ),
    _create(
        "job",
        "Creates a Job, from an image or from a CronJob.",
        "once --image=busybox -- date",
        COMMAND,
        option("--image", help="the container's image", completes="image", default=""),
        option("--from", help="cronjob/NAME, in place of an image", default="", to="source"),
    ),
    _create(
        "cronjob",
        "Creates a CronJob.",
        "often --image=busybox --schedule='*/5 * * * *' -- date",
        COMMAND,
        IMAGE,
        option("--schedule", help="when it runs, as in crontab", required=True),
        option("--restart", help="restart policy", choices=("OnFailure", "Never"), default="OnFailure"),
    ),
    _create("namespace", "Creates a namespace.", "shop"),
    _create(
        "quota",
        "Creates a ResourceQuota: the most that the namespace may have.",
        "small --hard=pods=10,cpu=2",
        option("--hard", help="the limits, such as pods=10,cpu=2", kind="pairs"),
        option("--scopes", help="which pods count, such as BestEffort", kind="list"),
    ),
    _create(
        "role",
        "Creates a Role: what may be done with which kinds in the namespace.",
        "reader --verb=get,list --resource=pods,pods/log",
        *RULES,
    ),
    _create(
        "clusterrole",
        "Creates a ClusterRole: what may be done in all namespaces, and with what is in none.",
        "reader --verb=get,list --resource=nodes",
        *(replace(one, required=False) for one in RULES),
        option("--non-resource-url", help="a path of the API server", kind="list", to="non_resource_urls"),
        option("--aggregation-rule", help="labels of ClusterRoles whose rules it has", kind="pairs"),
    ),
    _create(
        "rolebinding",
        "Creates a RoleBinding: who has a role in the namespace.",
        "readers --role=reader --user=alice",
        option("--role", help="the Role", default="", completes="role"),
        option("--clusterrole", help="a ClusterRole in its place", default="", completes="clusterrole"),
        *SUBJECTS,
    ),
    _create(
        "clusterrolebinding",
        "Creates a ClusterRoleBinding: who has a role everywhere.",
        "readers --clusterrole=view --group=students",
        option("--clusterrole", help="the ClusterRole", required=True, completes="clusterrole"),
        *SUBJECTS,
    ),
    _create(
        "ingress",
        "Creates an Ingress, by which Services are reached from outside the cluster.",
        "web --rule='web.example.com/*=web:80'",
        option(
            "--rule", help="HOST/PATH=SERVICE:PORT[,tls[=SECRET]]; a path with * is a prefix", kind="list", to="rules"
        ),
        option("--default-backend", help="SERVICE:PORT for what no rule fits", default=""),
        option("--class", help="the class of controllers that serve it", default="", to="ingress_class"),
        option("--annotation", help="an annotation", kind="mapping", valued=True, to="annotations"),
    ),
    _create(
        "poddisruptionbudget",
        "Creates a PodDisruptionBudget: how many pods an eviction must leave.",
        "web --selector=app=web --min-available=1",
        option("--selector", help="the pods' labels", required=True),
        option("--min-available", help="how many pods stay, or a percentage", default=""),
        option("--max-unavailable", help="how many may be missing, or a percentage", default=""),
    ),
    _create(
        "priorityclass",
        "Creates a PriorityClass: which pods a full cluster runs first.",
        "high --value=1000",
        option("--value", help="the priority; the higher, the earlier", kind="number", default=0),
        option("--description", help="when it is to be used", default=""),
        switch("--global-default", help="it is that of pods that name none"),
        option(
            "--preemption-policy",
            help="whether other pods are ended for its pods",
            choices=("PreemptLowerPriority", "Never"),
            default="PreemptLowerPriority",
        ),
    ),
    _create("serviceaccount", "Creates a ServiceAccount.", "robot"),
    _create(
        "configmap",
        "Creates a ConfigMap.",
        "settings --from-literal=colour=blue",
        option("--from-literal", help="a value by its key", kind="mapping", valued=True, to="literals"),
        *FILES,
    ),
    _create(
        "secret tls",
        "Creates a Secret of a certificate and its key.",
        "web --cert=web.crt --key=web.key",
        option("--cert", help="the certificate's file, in PEM", completes="path", required=True),
        option("--key", help="the private key's file, in PEM", completes="path", required=True),
        calls="tls_secret",
    ),
    _create(
        "service clusterip",
        "Creates a Service that is reached from within the cluster.",
        "web --tcp=80:8080",
        TCP,
        option("--clusterip", help="its address; None for a headless Service", default="", to="cluster_ip"),
        calls="clusterip_service",
    ),
    _create(
        "service nodeport",
        "Creates a Service that is reached by a port of each node.",
        "web --tcp=80:8080",
        PORTS,
        option("--node-port", help="the nodes' port", kind="port"),
        calls="nodeport_service",
    ),
    _create(
        "service loadbalancer",
        "Creates a Service that is reached through the cloud's load balancer.",
        "web --tcp=80:8080",
        PORTS,
        calls="loadbalancer_service",
    ),
    _create(
        "service externalname",
        "Creates a Service that is another name for a host.",
        "database --external-name=database.example.com",
        option("--external-name", help="the host's name", required=True),
        TCP,
        calls="externalname_service",
    ),
)

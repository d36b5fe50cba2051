#!/bin/bash
# Makes a container a node of a board: prepares it as a machine, then keeps containerd, kubelet, kube-proxy and
# kube-network-policies running.
#
# Environment: NODE_NAME, POD_RANGE, REHEARSAL_ADDRESSES (networks). /node holds the configuration and the node's identity,
# /programs/* the programs.
set -euo pipefail
say() { echo "$(date -u +%T.%3N) $*"; }

prepare_mounts() {
  # Pods' mounts come and go in this tree, and the kubelet wants them to be seen everywhere in it.
  mount --make-rshared /
  # Docker makes /proc/sys read-only. Its net is this container's own; the rest is the host's, and stays as it is.
  mount --bind /proc/sys/net /proc/sys/net
  mount -o remount,rw,bind /proc/sys/net
  # The kubelet sets three of the whole machine's settings. It is shown that they are set, and the machine keeps its own.
  for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1; do
    local shown=/run/shown-${setting//\//-}
    echo "${setting#*=}" >"$shown"
    mount --bind "$shown" "/proc/sys/${setting%=*}"
  done
  [[ -s /etc/machine-id ]] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
}

# In a name space of control groups, the root of each hierarchy is this container's own group.
prepare_control_groups() {
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    mount -o remount,rw /sys/fs/cgroup
    # A group with processes of its own hands no controller on (version 2).
    mkdir -p /sys/fs/cgroup/init
    while read -r process; do
      echo "$process" >/sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true
    done </sys/fs/cgroup/cgroup.procs
    sed 's/[a-z_0-9]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
    return
  fi
  mount -t tmpfs -o mode=755,nosuid,nodev,noexec cgroup /sys/fs/cgroup
  local controllers name
  while IFS=: read -r _ controllers _; do
    name=${controllers#name=}
    mkdir -p "/sys/fs/cgroup/${name:-unified}"
    case $controllers in
      "") mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified ;;
      name=*) mount -t cgroup -o "none,$controllers" cgroup "/sys/fs/cgroup/$name" ;;
      *) mount -t cgroup -o "$controllers" cgroup "/sys/fs/cgroup/$name" ;;
    esac
  done </proc/self/cgroup
}

prepare_network() {
  sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  # What pods send out of the cluster leaves with the node's address.
  nft -f - <<RULES
table ip board {
  chain postrouting {
    type nat hook postrouting priority srcnat + 10; policy accept;
    ip saddr $POD_RANGE ip daddr != $POD_RANGE oifname "eth0" masquerade
  }
}
RULES
  # New connections from and to pods are judged in user space, after a Service's address has been translated. Not every
  # kernel has nft's own "queue", which kube-network-policies would use; all have xt_NFQUEUE. While nobody listens at
  # the queue, packets are dropped. The node's own root processes are let through: the kubelet's probes.
  iptables -t mangle -N NETWORK-POLICIES
  iptables -t mangle -A NETWORK-POLICIES -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
  iptables -t mangle -A NETWORK-POLICIES -m owner --uid-owner 0 -j RETURN
  iptables -t mangle -A NETWORK-POLICIES -s "$POD_RANGE" -j NFQUEUE --queue-num 100
  iptables -t mangle -A NETWORK-POLICIES -d "$POD_RANGE" -j NFQUEUE --queue-num 100
  iptables -t mangle -A POSTROUTING -j NETWORK-POLICIES
  # The rehearsal's own addresses are in the machine's loopback range. They are routed to the machine as they are, so
  # that NetworkPolicies judge them; Docker's name server keeps its place in what is left of the range.
  sysctl -qw net.ipv4.conf.all.route_localnet=1
  ip route replace local 127.0.0.0/16 dev lo table local src 127.0.0.1
  ip route del local 127.0.0.0/8 dev lo table local
  local network
  for network in $REHEARSAL_ADDRESSES; do
    ip route add "$network" via "$(ip -4 route show default | awk '{ print $3 }')"
  done
  mkdir -p /etc/cni/net.d
  cp /node/cni.conflist /etc/cni/net.d/10-board.conflist
  cp /node/resolv.conf /run/resolv-of-pods.conf
  mkdir -p /etc/containerd/registries/_default
  cp /node/registries.toml /etc/containerd/registries/_default/hosts.toml
}

# keep NAME COMMAND...: run it, and again whenever it ends.
keep() {
  local name=$1
  shift
  while true; do
    say "$name starts"
    "$@" || say "$name ended with code $?"
    sleep 1
  done >>"/var/log/$name.log" 2>&1 &
}

NODE_ADDRESS=$(ip -4 -brief address show dev eth0 | awk '{ sub("/.*", "", $3); print $3 }')
export PATH=/programs/containerd:/programs/kubernetes:$PATH
prepare_mounts
prepare_control_groups
prepare_network
keep containerd containerd --config /node/containerd.toml
keep kubelet kubelet --config /node/kubelet.yaml --kubeconfig /node/kubelet.kubeconfig \
  --hostname-override "$NODE_NAME" --node-ip "$NODE_ADDRESS"
keep kube-proxy kube-proxy --config /node/kube-proxy.yaml --hostname-override "$NODE_NAME"
keep kube-network-policies kube-network-policies --kubeconfig /node/kube-network-policies.kubeconfig \
  --hostname-override "$NODE_NAME"
say "started"
wait

import type { Snippets } from './types.js';

/** Ways to non-coherent DMA. */
export const DMA: Snippets = {
  pci_device: {
    needs: ['base'],
    text: `
static const char *pci_device;	/* that was named as 0000:00:02.0 */`,
  },

  link_name: {
    needs: ['base'],
    text: `
/* The last part of what a symbolic link points to; empty if there is none. */
static const char *link_name(const char *path)
{
	static char target[256];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	target[length < 0 ? 0 : length] = 0;
	return strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
}`,
  },

  pci_take: {
    needs: ['pci_device', 'write_file', 'read_file', 'link_name'],
    text: String.raw`
#define UNSAFE	"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

static char old_driver[64], old_unsafe[4], vfio_name[64];
static int is_taken, has_iommu;

static const char *pci_path(const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", pci_device,
		 file);
	return path;
}

static int bind(const char *driver)
{
	write_file(pci_path("driver_override"), driver[0] ? driver : "\n");
	write_file(pci_path("driver/unbind"), pci_device);
	return write_file("/sys/bus/pci/drivers_probe", pci_device);
}

/* Give the PCI function to vfio-pci. */
static void pci_take(void)
{
	if (is_taken)
		return;
	if (!pci_device || access(pci_path(""), F_OK))
		skip("name a PCI function that may be given to a guest");
	has_iommu = link_name(pci_path("iommu_group"))[0] != 0;
	snprintf(old_driver, sizeof(old_driver), "%.60s",
		 link_name(pci_path("driver")));
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK))
		skip("modprobe vfio-pci first");
	if (!has_iommu) {
		snprintf(old_unsafe, sizeof(old_unsafe), "%.1s",
			 read_file(UNSAFE));
		if (write_file(UNSAFE, "Y"))
			skip("VFIO takes no device without an IOMMU here");
	}
	is_taken = 1;
	bind("vfio-pci");
	if (strcmp(link_name(pci_path("driver")), "vfio-pci"))
		skip("vfio-pci does not take %s", pci_device);
	snprintf(vfio_name, sizeof(vfio_name), "/dev/vfio/%s%.40s",
		 has_iommu ? "" : "noiommu-",
		 link_name(pci_path("iommu_group")));
}

static void pci_give_back(void)
{
	if (!is_taken)
		return;
	write_file(pci_path("driver_override"), "\n");
	write_file(pci_path("driver/unbind"), pci_device);
	if (old_driver[0])
		write_file("/sys/bus/pci/drivers_probe", pci_device);
	if (old_unsafe[0])
		write_file(UNSAFE, old_unsafe);
}`,
  },

  vfio_files: {
    needs: ['base'],
    text: `
/* What was attached, by the number that a step gives it. */
static struct device {
	int file, container, way;
	char uuid[40];
} devices[DEVICES];`,
  },

  vfio_group: {
    needs: ['vfio_files'],
    text: `
/* Up to 6.1 it is the container that makes a group count. */
static void open_group(struct device *device, const char *path, int iommu)
{
	device->file = open(path, O_RDWR);
	if (device->file < 0)
		skip("%s: %s", path, strerror(errno));
	device->container = open("/dev/vfio/vfio", O_RDWR);
	if (device->container < 0)
		return;
	must(ioctl(device->file, VFIO_GROUP_SET_CONTAINER, &device->container),
	     "VFIO_GROUP_SET_CONTAINER");
	if (iommu)
		must(ioctl(device->container, VFIO_SET_IOMMU, iommu),
		     "VFIO_SET_IOMMU");
}`,
  },

  vfio_cdev: {
    needs: ['vfio_files'],
    text: `
/* The character device that VFIO has made for a device. */
static void open_cdev(struct device *device, const char *dir)
{
	char path[300];
	glob_t found;

	snprintf(path, sizeof(path), "%s/vfio-dev/*", dir);
	if (glob(path, 0, NULL, &found))
		skip("no VFIO device file for %s", dir);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
		 strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	device->container = -1;
	device->file = open(path, O_RDWR);
	if (device->file < 0)
		skip("%s: %s", path, strerror(errno));
}`,
  },

  mdev: {
    needs: ['vfio_files', 'write_file', 'read_file'],
    text: `
#define MTTY	"/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create"

/* A mediated device of the kernel's sample driver; its directory. */
static const char *make_mdev(struct device *device)
{
	static char dir[128];

	snprintf(device->uuid, sizeof(device->uuid), "%.36s",
		 read_file("/proc/sys/kernel/random/uuid"));
	if (write_file(MTTY, device->uuid)) {
		device->uuid[0] = 0;
		skip("there is no mediated device: modprobe mtty");
	}
	snprintf(dir, sizeof(dir), "/sys/bus/mdev/devices/%s", device->uuid);
	return dir;
}

static void remove_mdev(struct device *device)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove",
		 device->uuid);
	if (device->uuid[0])
		write_file(path, "1");
	device->uuid[0] = 0;
}`,
  },

  mdev_group: {
    needs: ['link_name'],
    text: `
static const char *mdev_group(const char *dir)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/iommu_group", dir);
	snprintf(path, sizeof(path), "/dev/vfio/%.200s", link_name(path));
	return path;
}`,
  },

  kvm_vfio: {
    needs: ['want_ioctl', 'vfio_files', 'OPEN_DEVICE'],
    text: `
static int kvm_vfio = -1, kvm_vfio_files;

/* The files of VFIO that KVM knows; its device goes with the last. */
static int kvm_vfio_change(u64 attr, int file, int expected)
{
	struct kvm_create_device make = { .type = KVM_DEV_TYPE_VFIO };
	struct kvm_device_attr change = { .group = 1 /* files, or groups */,
		.attr = attr, .addr = (u64)&file };
	int failed;

	if (kvm_vfio < 0) {
		must(ioctl(vm, KVM_CREATE_DEVICE, &make), "KVM's VFIO device");
		kvm_vfio = make.fd;
	}
	failed = want_ioctl("KVM_SET_DEVICE_ATTR of VFIO", expected,
			    ioctl(kvm_vfio, KVM_SET_DEVICE_ATTR, &change));
	kvm_vfio_files += failed ? 0 : attr == 1 ? 1 : -1;
	if (!kvm_vfio_files) {
		close(kvm_vfio);
		kvm_vfio = -1;
	}
	return failed;
}

static void attach(int number, int way, int expected)
{
	open_device(&devices[number], way);
	kvm_vfio_change(1 /* add */, devices[number].file, expected);
}`,
  },

  detach: {
    needs: ['kvm_vfio'],
    text: `
static void detach(int number)
{
	kvm_vfio_change(2 /* remove */, devices[number].file, 0);
	close_device(&devices[number]);
}`,
  },

  detach_by_close: {
    needs: ['kvm_vfio'],
    text: `
/* Close KVM's device with the file still in it. */
static void detach_by_close(int number)
{
	close(kvm_vfio);
	kvm_vfio = -1;
	kvm_vfio_files = 0;
	close_device(&devices[number]);
}`,
  },

  virtio_type: {
    needs: ['base'],
    text: `
/* KVM_DEV_TYPE_VIRTIO, a proposal: the type with attribute 1 of group 1 alone. */
static int virtio_type(void)
{
	struct kvm_device_attr set = { .group = 1, .attr = 1 };
	struct kvm_device_attr other = { .group = 1, .attr = 2 };
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	int type, found = 0;

	for (type = 11; type < 32 && !found; type++) {
		struct kvm_create_device make = { .type = type };

		if (ioctl(vm, KVM_CREATE_DEVICE, &make))
			continue;
		if (!ioctl(make.fd, KVM_HAS_DEVICE_ATTR, &set) &&
		    ioctl(make.fd, KVM_HAS_DEVICE_ATTR, &other))
			found = type;
		close(make.fd);
	}
	close(vm);
	return found;
}`,
  },

  virtio: {
    needs: ['virtio_type', 'want_ioctl'],
    text: `
static int virtio_fds[VIRTIOS];

static void virtio_create(int number, u32 flags, int expected)
{
	int type = virtio_type();
	struct kvm_create_device make = { .type = type ? type : 31,
					  .flags = flags };

	if (!want_ioctl("KVM_CREATE_DEVICE of KVM_DEV_TYPE_VIRTIO", expected,
			ioctl(vm, KVM_CREATE_DEVICE, &make)))
		virtio_fds[number] = make.fd;
}`,
  },

  virtio_attr: {
    needs: ['virtio'],
    text: `
static void virtio_attr(int number, u64 call, u32 group, u64 attr, int expected)
{
	struct kvm_device_attr what = { .group = group, .attr = attr };

	want_ioctl("an attribute of KVM_DEV_TYPE_VIRTIO", expected,
		   ioctl(virtio_fds[number], call, &what));
}`,
  },
};

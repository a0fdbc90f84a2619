#!/usr/bin/perl

# The Debian packages: what is in them, what lintian says, and a life of both
# in a fresh root: an older version is installed, serves, is replaced, is
# removed, comes again, and is purged.
#
# not with sanitizers: the module and the program are those of the packages

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5_hex);
use File::Temp qw(tempdir);
use Test::More;

use Uplink::Daemon;
use Uplink::Example;

plan skip_all => 'a root is made by root only' if $> != 0;
plan skip_all => 'this system has no nginx-dev, see docs/install.md'
    if !-x '/usr/bin/dh_nginx';

# a build, lintian and apt, beside all other tests

alarm 1800;

my $tree = $Uplink::Test::root;
my $build = $ENV{BUILD} // 'build';
my $deb = $build =~ m{^/} ? "$build/deb" : "$tree/$build/deb";
my $dir = tempdir('uplink-deb-XXXXXX', TMPDIR => 1,
    CLEANUP => !$ENV{UPLINK_KEEP});
my $root = "$dir/root";

my ($module, $sled) = qw(libnginx-mod-http-uplink uplink-sled);

my $output;

# a command of the shell: true if it ended well; all it said is in $output

sub run {
    my ($command) = @_;

    $output = `{ $command ; } 2>&1 < /dev/null`;

    return $? == 0;
}

sub must {
    run($_[0]) or die "$_[0]:\n$output";
    return $output;
}

sub slurp { return Uplink::Test->read_file("$root/$_[0]") }

# ---- what is built

# (other tests build at the same time, where everything is built, and run
# examples)

my $list = "cd $tree && find . \\( -path ./.git -o -path ./build"
    . ' -o -name __pycache__ \) -prune -o -print | sort';
my $before = must($list);

run("$tree/dev deb") or die $output;
pass('./dev deb, and lintian has nothing to say');
is(must($list), $before, 'nothing is left in the tree');

my ($version) = Uplink::Test->read_file("$tree/src/ngx_uplink.h")
    =~ /^#define NGX_UPLINK_VERSION\s+"(.*)"$/m;
my %file = map { $_ => glob "$deb/${_}_$version-1_*.deb" } $module, $sled;

ok($file{$_}, "$_ has the version of the module") for $module, $sled;
like(Uplink::Test->read_file("$tree/CHANGES"),
    qr/\A\s*Changes with ngx_uplink_module \Q$version\E\s/,
    'and CHANGES begins with it');

my %has = map { my $package = $_;
    $package => { map { m{^(\S+) (\S+) .* \./(\S*?)(?: -> .*)?$}
        ? ($3 => "$1 $2") : () } split /\n/, must("dpkg-deb -c $file{$_}") }
} $module, $sled;

my $doc = 'usr/share/doc';
my %wanted = (
    $module => ['usr/lib/nginx/modules/ngx_uplink_module.so',
        'usr/share/nginx/modules-available/mod-http-uplink.conf',
        "$doc/$module/README.md", "$doc/$module/changelog.gz",
        "$doc/$module/conf-examples",
        (map { "$doc/$module/examples/" . s{.*/}{}r }
            glob "$tree/conf-examples/*"),
        map { "$doc/$module/docs/" . s{.*/docs/}{}r }
            glob "$tree/docs/*.md $tree/docs/examples/*"],
    $sled => ['usr/bin/sled', 'lib/systemd/system/uplink-sled.service',
        'etc/uplink-sled/sled.conf', 'usr/share/man/man1/sled.1.gz'],
);

for my $package ($module, $sled) {
    ok($has{$package}{$_}, "$package has $_") for @{$wanted{$package}};
}

is($has{$sled}{'etc/uplink-sled/'}, 'drwxr-x--- root/root',
    "others do not see the sled's configuration");
is($has{$sled}{'etc/uplink-sled/sled.conf'}, '-rw-r----- root/root',
    'nor the file');
like(must("dpkg-deb -f $file{$module} Depends"), qr/\bnginx-abi-/,
    'the module is for one ABI of nginx');

# ---- the unit

my $unit = "$tree/conf-examples/uplink-sled.service";

ok(run("systemd-analyze security --offline=true --threshold=20 $unit"),
    'systemd finds the unit well confined') or diag $output;
unlike($output, qr/^\S*\Q$unit\E:\d+: /m, 'and understands every line')
    or diag $output;

# ---- a fresh root, made of packages of the machine's own sources

make_root();
write_to('usr/sbin/policy-rc.d', "#!/bin/sh\nexit 101\n", 0755);
write_to('etc/hosts', "127.0.0.1 localhost gateway.example.org\n");

my %fresh = contents();

mkdir "$root/tmp/new" or die "mkdir: $!";
mkdir "$root/tmp/old" or die "mkdir: $!";

for my $package ($module, $sled) {
    must("cp $file{$package} $root/tmp/new/$package.deb");
    must("dpkg-deb -R $file{$package} $dir/$package"
        . " && sed -i 's/^Version: .*/Version: 0.1-1/'"
        . " $dir/$package/DEBIAN/control"
        . " && dpkg-deb --root-owner-group -b $dir/$package"
        . " $root/tmp/old/$package.deb");
}

sub chrooted { return run("chroot $root $_[0]") }

# what the triggers of nginx have been asked for

sub reloads { return $output =~ /^Processing triggers for nginx /m }

my $restart = qr/^\Q$module\E: .* needs a restart of nginx, not a\nreload: /m;
my $link = 'etc/nginx/modules-enabled/50-mod-http-uplink.conf';

ok(chrooted("dpkg -i /tmp/old/$module.deb /tmp/old/$sled.deb"),
    'an older version is installed') or diag $output;
ok(reloads(), 'and nginx shall load the module');
unlike($output, $restart, 'which replaces none');
ok(-l "$root/$link", 'it is enabled');

# ---- nginx and sled, with the examples they come with

my $t = Uplink::Example->new(module => '', dir => "$root/etc/nginx");
my @tls = (at => 443, tls => 1, host => 'gateway.example.org');
my $examples = "$root/$doc/$module/examples";

$t->secrets;
my $alice = $t->token('alice', 'operator,engine', 'workspaces=*');
my $builder = $t->token('builder-1', 'sled', 'workspaces=main');

write_to('etc/nginx/conf.d/uplink.conf',
    $t->ports($t->read_file("$examples/production.conf")));
unlink "$root/etc/nginx/sites-enabled/default";

my $host = Uplink::Daemon->new(binary => '/usr/sbin/chroot', valgrind => 0);

ok(chrooted('nginx -t'), 'nginx -t') or diag $output;
my $nginx = start_nginx();

is($t->http(GET => '/status')->status, 200, 'the status is 200');
ok($t->permission($alice, $alice, @tls)->{approved},
    'a permission is asked and answered over REST');

my %unit = Uplink::Test->read_file(
    "$root/lib/systemd/system/uplink-sled.service") =~ /^(\w+)=(.+)$/mg;

is(slurp('etc/uplink-sled/sled.conf'),
    Uplink::Test->read_file("$tree/conf-examples/sled.conf"),
    'the configuration of sled is the example');
must("chroot $root install -m 600 -o uplink-sled -g uplink-sled /dev/null"
    . ' /etc/uplink-sled/token');
write_to('etc/uplink-sled/token', "$builder\n");
must("cp $root/etc/nginx/tls/ca.pem $root/etc/uplink-sled/");
must("chroot $root install -d -m $unit{StateDirectoryMode} -o $unit{User}"
    . " -g $unit{User} /var/lib/$unit{StateDirectory}");

my $config = slurp('etc/uplink-sled/sled.conf');
my $port = $t->at(443);
$config =~ s/^#(?=(?:gateway|id|token-file|ca) )//mg;
$config =~ s{wss://[^/]+\K}{:$port};
write_to('etc/uplink-sled/sled.conf', $config);

my $all = $config =~ s/^#(?=[a-z])//mgr;
write_to('tmp/all.conf', $all);
chrooted('sled status --state /nowhere --config /tmp/all.conf');
like($output, qr/\Asled: no running sled answers/,
    'every line of it is one that sled knows');
unlink "$root/tmp/all.conf";

# what systemd would do

my %as = (env => { split /=/, $unit{Environment} });
my @as = ("--userspec=$unit{User}:$unit{User}", $root);

my $daemon = $host->start(\%as, @as, split / /, $unit{ExecStart});
ok($host->wait_for(sub { $daemon->err =~ /registered/ || $daemon->ended }),
    'sled registers') or diag $daemon->err;
unlike($daemon->err, qr/others may read/, 'nobody else can read its token');
run("chroot --userspec=www-data $root cat /etc/uplink-sled/sled.conf");
like($output, qr/Permission denied/, 'nor its configuration');

my $ask = $host->start(\%as, @as, '/usr/bin/sled', 'ask', '--tool', 'Bash',
    '--input', '{}');
my $id;

ok($host->wait_for(sub {
    my $r = $t->call(GET => '/v1/requests', @tls, token => $alice);
    $id = ($r->json->{requests}[0] // {})->{req_id};
}), 'what it asks is seen');
$t->call(POST => "/v1/requests/$id/decision", @tls, token => $alice,
    json => { approved => JSON::PP::true });
is($ask->wait, 0, 'and answered');

# ---- replaced while it runs

my $workers = must("cat /proc/$nginx->{pid}/task/*/children");

ok(chrooted("dpkg -i /tmp/new/$module.deb /tmp/new/$sled.deb"),
    'the new version replaces the older one') or diag $output;
like($output, $restart, 'and says that nginx needs a restart');
ok(!reloads(), 'which nobody does behind our back, nor a reload');
is(must("cat /proc/$nginx->{pid}/task/*/children"), $workers,
    'the workers are the same');
is($t->http(GET => '/status')->status, 200, 'and serve');

kill TERM => $nginx->{pid};
is($nginx->wait, 0, 'nginx ends');
$nginx = start_nginx();
is($t->http(GET => '/status')->json->{version}, $version,
    'and is there again with the new version');

kill TERM => $daemon->{pid};
is($daemon->wait, 0, 'sled ends');
kill TERM => $nginx->{pid};
is($nginx->wait, 0, 'nginx ends');

unlike(slurp('var/log/nginx/error.log'), qr/\[(?:warn|error|alert|emerg)\]/,
    'its log has nothing bad');

# ---- switched off, removed, here again, and gone

unlink "$root/etc/nginx/conf.d/uplink.conf";
must("mv $root/$link $root/$link.off");
ok(chrooted("dpkg -i /tmp/new/$module.deb"), 'it is installed again');
ok(!-l "$root/$link", 'what the administrator switched off stays so');
must("mv $root/$link.off $root/$link");

ok(chrooted("dpkg -r $module"), 'it is removed') or diag $output;
ok(reloads(), 'and nginx shall do without');
ok(chrooted('nginx -t'), 'which it can') or diag $output;
ok(chrooted("dpkg -i /tmp/new/$module.deb"), 'it is installed again');
ok(reloads(), 'nginx shall load it');
ok(-l "$root/$link" && chrooted('nginx -t'), 'and can') or diag $output;

ok(chrooted("dpkg --purge $module $sled"), 'both are purged') or diag $output;

must("cd $root && rm -r tmp/old tmp/new etc/nginx/tls etc/nginx/uplink"
    . ' && ln -s ../sites-available/default etc/nginx/sites-enabled/');

my %left = contents();
my @more = grep { !$fresh{$_} } sort keys %left;
my @less = grep { !$left{$_} } sort keys %fresh;
is("@more", '', 'nothing is left');
is("@less", '', 'and nothing else has gone');

done_testing;

sub start_nginx {
    my $process = $host->start($root, '/usr/sbin/nginx', '-g', 'daemon off;');

    ok($host->wait_for(sub {
        return $process->ended || eval { $t->socket->close; 1 };
    }) && !$process->ended, 'nginx runs') or die $process->err;

    return $process;
}

sub write_to {
    my ($name, $text, $mode) = @_;

    Uplink::Test->write_file("$root/$name", $text);
    chmod $mode, "$root/$name" if $mode;

    return;
}

# the names and kinds of all there is, and the users and groups, less what dpkg
# and programs write for themselves

sub contents {
    my $own = join ' -o ', map { "-path ./$_" }
        qw(var/lib/dpkg var/lib/nginx var/log var/cache run proc sys dev);

    my @files = split /\n/, must("cd $root"
        . " && find . \\( $own \\) -prune -o -printf '%y:%P\\n'");

    return map { $_ => 1 }
        (grep { !m{:etc/\.?(?:passwd|group|shadow|gshadow)[^/]*$} } @files),
        split /\n/, slurp('etc/passwd') . slurp('etc/group');
}

# The packages come through apt, as it is set up here, into a folder that is
# kept, and from there into the root, which is kept as well: what is there once
# costs no network, and little time.

sub make_root {
    my $cache = "$deb/cache";
    my @names = qw(?essential apt nginx);

    for my $package ($module, $sled) {
        push @names, map { s/\s.*//sr } split /,\s*/,
            must("dpkg-deb -f $file{$package} Depends");
    }

    mkdir $cache;
    mkdir "$cache/partial";
    Uplink::Test->write_file("$cache/status", '');

    my $get = "apt-get -qq -y -o Dir::State::status=$cache/status"
        . " -o Dir::Cache::archives=$cache -o Debug::NoLocking=1"
        . ' -o APT::Keep-Downloaded-Packages=true -o APT::Sandbox::User=root'
        . ' --no-install-recommends --download-only install '
        . join ' ', map { "'$_'" } @names;

    run($get) or must("apt-get -qq update && $get");
    must("cd $cache && dpkg-scanpackages . > Packages");

    my ($suite) = Uplink::Test->read_file('/etc/os-release')
        =~ /^VERSION_CODENAME=(\w+)/m;
    my $tar = "$cache/root-" . md5_hex(join ' ', @names,
        Uplink::Test->read_file("$cache/Packages")) . '.tar';

    # what is essential on every system comes by itself

    if (!-e $tar) {
        unlink glob "$cache/root-*.tar";
        must('mmdebstrap --mode=root --variant=apt --include='
            . join(',', grep { !/^(?:\?essential|nginx-abi)/ } @names)
            . " --dpkgopt=force-unsafe-io $suite $cache/new.tar"
            . " 'deb [trusted=yes] copy:$cache ./'");
        must("mv $cache/new.tar $tar");
    }

    must("mkdir $root && tar -x -C $root -f $tar");

    return;
}

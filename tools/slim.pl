# slim.pl: takes out of a release what only its readers need, in the folder where it is called:
#
# 1. Indentation and comments: of scripts those on lines of their own, of styles and of the page all. No text in
#    these files goes over the end of a line, or has what begins a comment.
# 2. Out of every name that wasm-bindgen's glue and the wasm share, the hash that only sets it apart, as in
#    «__wbg_activeElement_6c30fe7fda33ef51»: nothing weighs more, once gzipped, than what is random. In its place come
#    digits that are zero wherever the rest of the name is enough: the length stays, and the wasm stays valid.
use strict;
use warnings;

my ($glue, $wasm) = qw(faultline.js faultline_bg.wasm);
my %text;
for my $name ($glue, $wasm, 'boot.js', glob('*.css'), 'index.html') {
    open my $file, '<:raw', $name or die "$name: $!";
    local $/;
    $text{$name} = <$file>;
}

for my $name (grep !/\.wasm$/, keys %text) {
    for ($text{$name}) {
        s/^\s+//mg;
        s{^(//.*|/\*\*.*\*/)\n}{}mg if $name =~ /\.js$/;
        s{/\*.*?\*/\n?}{}gs if $name =~ /\.css$/;
        s{<!--.*?-->\n?}{}gs if $name =~ /\.html$/;
    }
}

my (%plain, %seen);
while ($text{$glue} =~ /\b((\w+?[_h])[0-9a-f]{16})(?![0-9a-f])/g) {
    $plain{$1} //= sprintf '%s%016d', $2, $seen{$2}++;
}
my $names = join '|', map quotemeta, sort keys %plain;
s/($names)/$plain{$1}/g for @text{$glue, $wasm};

for my $name (keys %text) {
    open my $file, '>:raw', $name or die "$name: $!";
    print $file $text{$name};
    close $file or die "$name: $!";
}
